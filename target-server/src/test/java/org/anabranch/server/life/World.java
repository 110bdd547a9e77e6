// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.anabranch.server.state.SnapshotState.Phase;

/**
 * What a server must have: its volumes and its snapshots, by the names of their devices. A value:
 * every change makes another one, so that the world before a change and the one after it can both
 * be held against what a start finds.
 */
record World(SortedMap<String, Contents> volumes, SortedMap<String, Snap> snapshots) {
  /**
   * A snapshot.
   *
   * @param phase READY, QUEUED or MERGING
   * @param keeps whether it is there after its merge
   */
  record Snap(Contents contents, Phase phase, boolean keeps, String description) {
    Snap with(Contents newContents) {
      return new Snap(newContents, phase, keeps, description);
    }

    Snap in(Phase newPhase, boolean isKept) {
      return new Snap(contents, newPhase, isKept, description);
    }
  }

  static final World EMPTY = new World(new TreeMap<>(), new TreeMap<>());

  static String volumeOf(String device) {
    return device.split("@", 2)[0];
  }

  Snap snapshot(String device) {
    return Objects.requireNonNull(snapshots.get(device), device);
  }

  Contents contents(String device) {
    return device.contains("@")
        ? snapshot(device).contents
        : Objects.requireNonNull(volumes.get(device), device);
  }

  World withVolume(String name, Contents contents) {
    SortedMap<String, Contents> now = new TreeMap<>(volumes);
    now.put(name, contents);
    return new World(now, snapshots);
  }

  World withoutVolume(String name) {
    SortedMap<String, Contents> now = new TreeMap<>(volumes);
    now.remove(name);
    return new World(now, snapshots);
  }

  World withSnapshot(String device, Snap snapshot) {
    SortedMap<String, Snap> now = new TreeMap<>(snapshots);
    now.put(device, snapshot);
    return new World(volumes, now);
  }

  World withoutSnapshot(String device) {
    SortedMap<String, Snap> now = new TreeMap<>(snapshots);
    now.remove(device);
    return new World(volumes, now);
  }

  World with(String device, UnaryOperator<Contents> change) {
    Contents changed = change.apply(contents(device));
    return device.contains("@")
        ? withSnapshot(device, snapshot(device).with(changed))
        : withVolume(device, changed);
  }

  /** A snapshot is taken, which flushes the volume. */
  World taken(String device) {
    String volume = volumeOf(device);
    Contents durable = contents(volume).flushed();
    return withVolume(volume, durable)
        .withSnapshot(device, new Snap(durable, Phase.READY, false, ""));
  }

  /** Its merge begins: from here on the volume reads as it. */
  World merging(String device, boolean keeps) {
    Snap snapshot = snapshot(device);
    return with(volumeOf(device), now -> now.overwritten(snapshot.contents))
        .withSnapshot(device, snapshot.in(Phase.MERGING, keeps));
  }

  /** Its merge has ended. */
  World merged(String device) {
    Snap snapshot = snapshot(device);
    return snapshot.keeps
        ? withSnapshot(device, snapshot.in(Phase.READY, false))
        : withoutSnapshot(device);
  }

  /** Whether a merge of the volume is under way or queued. */
  boolean isMerging(String volume) {
    return snapshots.entrySet().stream()
        .anyMatch(
            each -> volumeOf(each.getKey()).equals(volume) && each.getValue().phase != Phase.READY);
  }

  World renamedSnapshot(String device, String newDevice) {
    return withSnapshot(newDevice, snapshot(device)).withoutSnapshot(device);
  }

  World renamedVolume(String volume, String newName) {
    World now = withVolume(newName, contents(volume)).withoutVolume(volume);
    for (Map.Entry<String, Snap> each : snapshots.entrySet()) {
      if (volumeOf(each.getKey()).equals(volume)) {
        String name = each.getKey().substring(volume.length());
        now = now.renamedSnapshot(each.getKey(), newName + name);
      }
    }
    return now;
  }

  /** As it is when everything that was read is durable. */
  World found(Map<String, Contents> read) {
    World now = this;
    for (Map.Entry<String, Contents> each : read.entrySet()) {
      now = now.with(each.getKey(), before -> each.getValue());
    }
    return now;
  }
}
