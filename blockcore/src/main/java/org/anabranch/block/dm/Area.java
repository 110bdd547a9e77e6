// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.function.Supplier;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;

/**
 * An {@link AreaSpec} whose device is open: what linear, error, delay and flakey map to, with the
 * checks common to them.
 */
public final class Area {
  private final BlockDevice device;
  private final long offset;
  private final Supplier<DeviceRef> reference;

  private Area(BlockDevice device, long offset, Supplier<DeviceRef> reference) {
    this.device = device;
    this.offset = offset;
    this.reference = reference;
  }

  /**
   * Opens the device.
   *
   * @param context gives the area's length, which is that of the target
   * @throws TableException if the device does not exist, or the area exceeds the device or is not
   *     aligned to its logical blocks
   */
  public static Area open(TargetType.Context context, AreaSpec spec) throws TableException {
    long start = spec.offset();
    String word = spec.device().word();
    BlockDevice below;
    try {
      below = context.open(spec.device());
    } catch (TableException e) {
      throw new TableException("Device lookup failed: " + e.getMessage(), e);
    }
    long size = below.sectors();
    if (start > size || context.length() > size - start) {
      throw new TableException(
          word
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
          "start=" + start + " not aligned to h/w logical block size " + block + " of " + word);
    }
    return new Area(below, start, () -> context.reference(below));
  }

  public BlockDevice device() {
    return device;
  }

  /** Passes a request of the target to the device. */
  public void submit(Io io) {
    if (io.op() != Io.Op.FLUSH) {
      io.remap(offset + io.sector());
    }
    device.submit(io);
  }

  /** The area as a value, with the device's current name. */
  public AreaSpec spec() {
    return new AreaSpec(reference.get(), offset);
  }
}
