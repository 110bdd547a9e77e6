// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Designators;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/**
 * The parameter list of EXTENDED COPY (LID1) (SPC-4 6.4.3): a header, target descriptors, segment
 * descriptors.
 *
 * @param segments in the order in which they are carried out; checked against their units
 */
record CopyList(int id, int idUsage, List<CopySegment> segments) {
  private static final int IDENTIFIER_LENGTH_AT = 7;
  private static final int BLOCK_LENGTH_AT = 29;
  private static final int DESTINATION_COUNT = 1;

  static CopyList parse(byte[] list, Nexus nexus, Collection<LogicalUnit> units)
      throws CheckCondition {
    if (list.length < CopyLimits.HEADER) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    int targetBytes = BigEndian.u16(list, 2);
    long segmentBytes = BigEndian.u32(list, 8);
    long described = targetBytes + segmentBytes;
    if (described > CopyLimits.MAX_LIST || CopyLimits.HEADER + described > list.length) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (BigEndian.u32(list, 12) != 0) {
      throw new CheckCondition(SenseCode.INLINE_DATA_LENGTH_EXCEEDED);
    }
    int segmentsAt = CopyLimits.HEADER + targetBytes;
    List<@Nullable LogicalUnit> targets = targets(list, segmentsAt, units);
    List<CopySegment> segments =
        segments(list, segmentsAt, segmentsAt + (int) segmentBytes, targets, nexus);
    return new CopyList(BigEndian.u8(list, 0), list[1] >> 3 & 3, segments);
  }

  /** The units that the target descriptors name, null where there is none of that name. */
  private static List<@Nullable LogicalUnit> targets(
      byte[] list, int end, Collection<LogicalUnit> units) throws CheckCondition {
    int bytes = end - CopyLimits.HEADER;
    if (bytes % CopyLimits.TARGET_DESCRIPTOR != 0) {
      throw CheckCondition.inParameters(2, 7);
    }
    if (bytes / CopyLimits.TARGET_DESCRIPTOR > CopyLimits.MAX_TARGETS) {
      throw new CheckCondition(SenseCode.TOO_MANY_TARGET_DESCRIPTORS);
    }
    List<@Nullable LogicalUnit> targets = new ArrayList<>();
    for (int at = CopyLimits.HEADER; at < end; at += CopyLimits.TARGET_DESCRIPTOR) {
      if (BigEndian.u8(list, at) != CopyLimits.IDENTIFICATION) {
        throw new CheckCondition(
            Sense.inParameters(SenseCode.UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE, at, 7));
      }
      targets.add(find(list, at, units));
    }
    return targets;
  }

  private static @Nullable LogicalUnit find(byte[] list, int at, Collection<LogicalUnit> units)
      throws CheckCondition {
    int length = BigEndian.u8(list, at + IDENTIFIER_LENGTH_AT);
    if (length > 20) {
      throw CheckCondition.inParameters(at + IDENTIFIER_LENGTH_AT, 7);
    }
    byte[] designator = Arrays.copyOfRange(list, at + 4, at + 8 + length);
    for (LogicalUnit unit : units) {
      UnitIdentity identity = unit.properties().identity();
      if (Arrays.equals(designator, Designators.naa(identity))
          || Arrays.equals(designator, Arrays.copyOf(Designators.t10(identity), 24))) {
        int blockLength = BigEndian.u24(list, at + BLOCK_LENGTH_AT);
        if (blockLength != unit.blockSize()) {
          throw CheckCondition.inParameters(at + BLOCK_LENGTH_AT, 7);
        }
        return unit;
      }
    }
    return null;
  }

  private static List<CopySegment> segments(
      byte[] list, int from, int end, List<@Nullable LogicalUnit> targets, Nexus nexus)
      throws CheckCondition {
    List<CopySegment> segments = new ArrayList<>();
    int at = from;
    while (at < end) {
      if (segments.size() == CopyLimits.MAX_SEGMENTS) {
        throw new CheckCondition(SenseCode.TOO_MANY_SEGMENT_DESCRIPTORS);
      }
      int length =
          switch (BigEndian.u8(list, at)) {
            case CopyLimits.BLOCK_TO_BLOCK -> CopyLimits.BLOCK_SEGMENT;
            case CopyLimits.BLOCK_TO_BLOCK_WITH_OFFSET -> CopyLimits.OFFSET_SEGMENT;
            default ->
                throw new CheckCondition(
                    Sense.inParameters(SenseCode.UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE, at, 7));
          };
      if (end - at < length) {
        throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
      }
      if (BigEndian.u16(list, at + 2) != length - 4) {
        throw CheckCondition.inParameters(at + 2, 7);
      }
      CopySegment segment = segment(list, at, segments.size(), targets);
      segment.check(nexus, segments.size());
      segments.add(segment);
      at += length;
    }
    return segments;
  }

  private static CopySegment segment(
      byte[] list, int at, int index, List<@Nullable LogicalUnit> targets) throws CheckCondition {
    LogicalUnit source = unit(targets, BigEndian.u16(list, at + 4), index);
    LogicalUnit target = unit(targets, BigEndian.u16(list, at + 6), index);
    long bytes;
    if (BigEndian.u8(list, at) == CopyLimits.BLOCK_TO_BLOCK) {
      LogicalUnit counted = BigEndian.bit(list, at + 1, DESTINATION_COUNT) ? target : source;
      bytes = (long) BigEndian.u16(list, at + 10) * counted.blockSize();
    } else {
      bytes = BigEndian.u32(list, at + 8);
      if (BigEndian.u32(list, at + 28) != 0) {
        throw CheckCondition.inParameters(at + 28, 7); // Copies begin with whole blocks.
      }
    }
    if (bytes > CopyLimits.MAX_SEGMENT_BYTES) {
      throw CheckCondition.inParameters(at + 8, 7);
    }
    if (bytes % source.blockSize() != 0 || bytes % target.blockSize() != 0) {
      throw new CheckCondition(CopySegment.failed(SenseCode.INEXACT_SEGMENT, index));
    }
    return new CopySegment(
        source, BigEndian.u64(list, at + 12), target, BigEndian.u64(list, at + 20), bytes);
  }

  private static LogicalUnit unit(List<@Nullable LogicalUnit> targets, int target, int index)
      throws CheckCondition {
    LogicalUnit unit = target < targets.size() ? targets.get(target) : null;
    if (unit == null) {
      throw new CheckCondition(
          CopySegment.failed(SenseCode.COPY_TARGET_DEVICE_NOT_REACHABLE, index));
    }
    return unit;
  }
}
