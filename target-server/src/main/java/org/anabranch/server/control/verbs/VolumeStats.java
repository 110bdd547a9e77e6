// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.snapshot.MergeCounter;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.SnapshotCounter;
import org.anabranch.scsi.api.UnitCounter;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.server.control.Doc;
import org.anabranch.server.stats.Statistics;
import org.jspecify.annotations.Nullable;

/** What was done to a volume, snapshot or device, as its initiators see it. */
public record VolumeStats(
    @Doc("VOLUME, VOLUME@NAME, or a device's name") String name,
    @Doc("commands that read blocks, by all LUNs that show it; 0 when none does") long reads,
    @Doc("bytes that these returned") long readBytes,
    @Doc("commands that wrote blocks") long writes,
    @Doc("bytes of those that succeeded") long writtenBytes,
    @Doc("commands that ended because the device failed") long errors,
    @Doc("commands that are not ended yet") int queueDepth,
    @Doc("chunks copied for its snapshots that exist now; for a snapshot, for itself")
        long cowCopies,
    @Doc("chunks that merges wrote back to it") long mergedChunks,
    @Doc("how fast its merge is; 0 when there is none") long mergeBytesPerSecond,
    @Doc("times that a write waited because a merge was copying its sectors") long interlockWaits,
    @Doc("of commands that read, from their arrival to their end") LatencyEntry readLatency,
    @Doc("of commands that wrote, with the transfer of their data") LatencyEntry writeLatency) {
  static List<VolumeStats> all(Statistics statistics) {
    Map<String, MappedDevice> devices = statistics.devices();
    return devices.entrySet().stream()
        .map(each ->
            of(
                each.getKey(),
                each.getValue(),
                statistics.unit(each.getValue()),
                snapshots(each.getKey(), devices)))
        .toList();
  }

  /** The devices that copy chunks for a device: itself, or the snapshots of a volume. */
  private static Collection<MappedDevice> snapshots(
      String name, Map<String, MappedDevice> devices) {
    if (name.contains("@")) {
      MappedDevice device = devices.get(name);
      return device == null ? List.of() : List.of(device);
    }
    return devices.entrySet().stream()
        .filter(each -> each.getKey().startsWith(name + "@"))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static VolumeStats of(
      String name,
      MappedDevice device,
      @Nullable LogicalUnit unit,
      Collection<MappedDevice> snapshots) {
    Counters<MergeCounter> merges = device.counts().counters(MergeCounter.class);
    long copies =
        snapshots.stream()
            .mapToLong(each ->
                each.counts().counters(SnapshotCounter.class).get(SnapshotCounter.COW_COPIES))
            .sum();
    long rate =
        device.targets(MergeHandle.class).stream()
            .mapToLong(merge -> merge.progress().bytesPerSecond())
            .sum();
    return new VolumeStats(
        name,
        count(unit, UnitCounter.READS),
        count(unit, UnitCounter.READ_BYTES),
        count(unit, UnitCounter.WRITES),
        count(unit, UnitCounter.WRITTEN_BYTES),
        count(unit, UnitCounter.DEVICE_ERRORS),
        unit == null ? 0 : unit.queueDepth(),
        copies,
        merges.get(MergeCounter.CHUNKS),
        rate,
        merges.get(MergeCounter.INTERLOCK_WAITS),
        latency(unit, UnitLatency.READ),
        latency(unit, UnitLatency.WRITE));
  }

  private static long count(@Nullable LogicalUnit unit, UnitCounter counter) {
    return unit == null ? 0 : unit.counts().counters(UnitCounter.class).get(counter);
  }

  private static LatencyEntry latency(@Nullable LogicalUnit unit, UnitLatency latency) {
    return LatencyEntry.of(
        unit == null
            ? LatencyDistribution.EMPTY
            : unit.counts().latencies(UnitLatency.class).read(latency));
  }
}
