// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.nio.ByteBuffer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.DeltaFormat;
import org.anabranch.server.exports.DeviceReads;
import org.anabranch.server.exports.DeviceWrites;
import org.anabranch.server.exports.StreamHeader;

/**
 * The device that a stream is applied to. Where a whole stream has no record, the device is to read
 * as zeros. One thread.
 */
final class StreamTarget {
  private final BlockDevice device;
  private final DeviceWrites writes;
  private final boolean whole;

  /** What is behind was not reached yet. */
  private long reached;

  StreamTarget(BlockDevice device, DeviceWrites writes, StreamHeader header) {
    this.device = device;
    this.writes = writes;
    this.whole = header.facts().base() == null;
  }

  /** The next record. */
  void take(DeltaFormat.Piece record, ByteBuffer data) throws RefusedException {
    zeroUpTo(record.offset());
    reached = record.offset() + record.length();
    if (record.kind() == DeltaFormat.DATA) {
      writes.write(record.offset(), data);
    } else {
      zeroAllocated(record.offset(), reached);
    }
  }

  /** No record is left. */
  void end() throws RefusedException {
    zeroUpTo(device.sectors() * 512);
  }

  private void zeroUpTo(long end) throws RefusedException {
    if (whole && reached < end) {
      zeroAllocated(reached, end);
    }
  }

  private void zeroAllocated(long from, long end) throws RefusedException {
    for (long at = from; at < end; ) {
      Io status = DeviceReads.status(device, at >> 9, (end - at) >> 9);
      long length = status.statusSectors() << 9;
      if (status.allocated()) {
        writes.zero(at, length);
      }
      at += length;
    }
  }
}
