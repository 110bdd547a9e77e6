// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import java.util.Set;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.device.LunInventory;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * One segment of an EXTENDED COPY: from one unit's blocks to another's (SPC-4 6.4.6.3, 6.4.6.14).
 * In blocks of each side; the bytes are the same.
 */
record CopySegment(
    LogicalUnit source, long sourceLba, LogicalUnit target, long targetLba, long bytes) {

  /** The sense data when the segment at {@code index} of the list cannot be copied at all. */
  static Sense failed(SenseCode code, int index) {
    return Sense.inSegment(code, index, -1);
  }

  /** The sense data when an Io of it failed after {@code written} bytes. */
  Sense failed(SenseCode code, int index, long written) {
    return Sense.inSegment(code, index, written == 0 ? -1 : (bytes - written) / target.blockSize());
  }

  long targetEnd() {
    return targetLba + bytes / target.blockSize();
  }

  /** Makes the checks of a READ of the source and a WRITE of the target by the nexus. */
  void check(Nexus nexus, int index) throws CheckCondition {
    try {
      source.checkRange(sourceLba, bytes / source.blockSize());
      target.checkRange(targetLba, bytes / target.blockSize());
    } catch (CheckCondition outOfRange) {
      throw new CheckCondition(failed(SenseCode.SEGMENT_OUT_OF_RANGE, index));
    }
    Set<LogicalUnit> seen = LunInventory.of(nexus).units();
    if (!seen.contains(source)
        || !seen.contains(target)
        || !source.allows(nexus, Access.READ)
        || !target.allows(nexus, Access.WRITE)) {
      throw new CheckCondition(failed(SenseCode.COPY_TARGET_DEVICE_NOT_REACHABLE, index));
    }
    if (target.isWriteProtected() || !LunInventory.of(nexus).allowsWrites(target)) {
      throw new CheckCondition(SenseCode.WRITE_PROTECTED);
    }
  }
}
