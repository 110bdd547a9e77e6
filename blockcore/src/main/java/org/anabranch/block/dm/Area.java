// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;

/**
 * The part of a device below that a target maps onto: the two arguments {@code <device> <offset>}
 * of linear, delay and flakey, and what all of them refuse.
 */
public final class Area {
  private final BlockDevice device;
  private final long offset;

  private Area(BlockDevice device, long offset) {
    this.device = device;
    this.offset = offset;
  }

  /**
   * Opens the device.
   *
   * @param context gives the area's length, which is the target's
   * @param device the device's argument
   * @param offset first sector of the area on the device
   * @throws TableException when there is no such device, the offset is no number, or the area goes
   *     beyond the device's end or does not lie on its logical blocks
   */
  public static Area open(TargetType.Context context, String device, String offset)
      throws TableException {
    long start = Arguments.sector(offset, "Invalid device sector");
    BlockDevice below;
    try {
      below = context.open(device);
    } catch (TableException e) {
      throw new TableException("Device lookup failed: " + e.getMessage(), e);
    }
    long size = below.sectors();
    if (start > size || context.length() > size - start) {
      throw new TableException(
          device
              + " too small for target: start="
              + start
              + ", len="
              + context.length()
              + ", dev_size="
              + size);
    }
    int block = below.limits().logicalBlockSize();
    if (start % (block >> 9) != 0) {
      throw new TableException(
          "start=" + start + " not aligned to h/w logical block size " + block + " of " + device);
    }
    return new Area(below, start);
  }

  public BlockDevice device() {
    return device;
  }

  /** Passes a request of the target on to the device. */
  public void submit(Io io) {
    if (io.op() != Io.Op.FLUSH) {
      io.remap(offset + io.sector());
    }
    device.submit(io);
  }

  /** The two arguments again, with the name that the device has now. */
  @Override
  public String toString() {
    return TableLine.quote(device.name()) + " " + offset;
  }
}
