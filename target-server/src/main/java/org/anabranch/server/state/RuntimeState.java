// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.config.LunConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.MadeAtRunTime;
import org.jspecify.annotations.Nullable;

/**
 * What was made at run time and is restored at every start. Immutable; a change makes a new one,
 * which {@link StateFile} writes as a whole.
 *
 * @param snapshots by {@code volume@name}
 * @param devices tables of mapped devices that {@code dm create} made, by name
 * @param volumes that {@code volume create} made, by name
 * @param luns that {@code lun add} added
 * @param readOnlyDevices names of those of {@code devices} whose writes fail
 */
public record RuntimeState(
    SortedMap<String, SnapshotState> snapshots,
    SortedMap<String, String> devices,
    SortedMap<String, VolumeState> volumes,
    SortedSet<LunState> luns,
    SortedSet<String> readOnlyDevices) {
  /** Nothing. */
  public static final RuntimeState EMPTY =
      new RuntimeState(
          new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), new TreeSet<>(), new TreeSet<>());

  public RuntimeState {
    snapshots = Collections.unmodifiableSortedMap(new TreeMap<>(snapshots));
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
    volumes = Collections.unmodifiableSortedMap(new TreeMap<>(volumes));
    luns = Collections.unmodifiableSortedSet(new TreeSet<>(luns));
    readOnlyDevices = Collections.unmodifiableSortedSet(new TreeSet<>(readOnlyDevices));
  }

  public @Nullable SnapshotState snapshot(String device) {
    return snapshots.get(device);
  }

  /** The turn of a merge that is asked for now: behind all others. */
  public long nextTurn() {
    return 1 + snapshots.values().stream().mapToLong(SnapshotState::turn).max().orElse(0);
  }

  /** The snapshots whose stores other servers reach, too. */
  List<SnapshotState> sharedSnapshots() {
    return snapshots.values().stream().filter(SnapshotState::isShared).toList();
  }

  /** Without those of a volume. */
  RuntimeState withoutShared(String volume) {
    SortedMap<String, SnapshotState> own = new TreeMap<>(snapshots);
    own.values().removeIf(each -> each.isShared() && each.volume().equals(volume));
    return new RuntimeState(own, devices, volumes, luns, readOnlyDevices);
  }

  /** Without those of any volume. */
  RuntimeState withoutShared() {
    SortedMap<String, SnapshotState> own = new TreeMap<>(snapshots);
    own.values().removeIf(SnapshotState::isShared);
    return new RuntimeState(own, devices, volumes, luns, readOnlyDevices);
  }

  /** With this snapshot added, or in place of the one of its name. */
  public RuntimeState with(SnapshotState snapshot) {
    SortedMap<String, SnapshotState> changed = new TreeMap<>(snapshots);
    changed.put(snapshot.device(), snapshot);
    return new RuntimeState(changed, devices, volumes, luns, readOnlyDevices);
  }

  public RuntimeState withoutSnapshot(String device) {
    SortedMap<String, SnapshotState> changed = new TreeMap<>(snapshots);
    changed.remove(device);
    return new RuntimeState(changed, devices, volumes, luns, readOnlyDevices);
  }

  public RuntimeState withDevice(String name, String table) {
    SortedMap<String, String> changed = new TreeMap<>(devices);
    changed.put(name, table);
    return new RuntimeState(snapshots, changed, volumes, luns, readOnlyDevices);
  }

  public RuntimeState withoutDevice(String name) {
    SortedMap<String, String> changed = new TreeMap<>(devices);
    changed.remove(name);
    SortedSet<String> readOnly = new TreeSet<>(readOnlyDevices);
    readOnly.remove(name);
    return new RuntimeState(snapshots, changed, volumes, luns, readOnly);
  }

  /** With a device that is read-only from now on. */
  public RuntimeState withReadOnly(String name) {
    SortedSet<String> readOnly = new TreeSet<>(readOnlyDevices);
    readOnly.add(name);
    return new RuntimeState(snapshots, devices, volumes, luns, readOnly);
  }

  /** With this volume added, or in place of the one of its name. */
  public RuntimeState with(VolumeState volume) {
    SortedMap<String, VolumeState> changed = new TreeMap<>(volumes);
    changed.put(volume.name(), volume);
    return new RuntimeState(snapshots, devices, changed, luns, readOnlyDevices);
  }

  public RuntimeState withoutVolume(String name) {
    SortedMap<String, VolumeState> changed = new TreeMap<>(volumes);
    changed.remove(name);
    return new RuntimeState(snapshots, devices, changed, luns, readOnlyDevices);
  }

  public RuntimeState with(LunState lun) {
    SortedSet<LunState> changed = new TreeSet<>(luns);
    changed.add(lun);
    return new RuntimeState(snapshots, devices, volumes, changed, readOnlyDevices);
  }

  public RuntimeState without(LunState lun) {
    SortedSet<LunState> changed = new TreeSet<>(luns);
    changed.remove(lun);
    return new RuntimeState(snapshots, devices, volumes, changed, readOnlyDevices);
  }

  /** With another name of a snapshot, also where it is a LUN. */
  public RuntimeState renamed(SnapshotState old, SnapshotState now) {
    return withoutSnapshot(old.device()).with(now).renamedLuns(Map.of(old.device(), now.device()));
  }

  /** With another name of a volume, also in those of its snapshots, and where these are LUNs. */
  public RuntimeState renamed(VolumeState old, String newName) {
    RuntimeState next = withoutVolume(old.name()).with(old.named(newName));
    Map<String, String> names = new TreeMap<>(Map.of(old.name(), newName));
    for (SnapshotState snapshot : snapshots.values()) {
      if (snapshot.volume().equals(old.name())) {
        SnapshotState now = snapshot.named(newName, snapshot.name());
        names.put(snapshot.device(), now.device());
        next = next.withoutSnapshot(snapshot.device()).with(now);
      }
    }
    return next.renamedLuns(names);
  }

  private RuntimeState renamedLuns(Map<String, String> names) {
    SortedSet<LunState> changed = new TreeSet<>();
    luns.forEach(lun -> changed.add(lun.of(names.getOrDefault(lun.device(), lun.device()))));
    return new RuntimeState(snapshots, devices, volumes, changed, readOnlyDevices);
  }

  /** The volumes that are ready, and the LUNs, in the words of the configuration. */
  public MadeAtRunTime made() {
    SortedMap<String, VolumeConfig> ready = new TreeMap<>();
    SortedMap<String, VolumeLimits> limits = new TreeMap<>();
    for (VolumeState volume : volumes.values()) {
      if (volume.phase() == VolumeState.Phase.READY) {
        ready.put(volume.name(), volume.config());
        if (volume.limits() != null) {
          limits.put(volume.name(), volume.limits());
        }
      }
    }
    SortedMap<String, SortedMap<Integer, LunConfig>> byTarget = new TreeMap<>();
    for (LunState lun : luns) {
      byTarget
          .computeIfAbsent(lun.target(), target -> new TreeMap<>())
          .put(lun.number(), new LunConfig(lun.number(), lun.device(), lun.readOnly(), List.of()));
    }
    return new MadeAtRunTime(ready, limits, byTarget);
  }
}
