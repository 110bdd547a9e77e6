// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was made at run time and is restored at every start. Immutable; a change makes a new one,
 * which {@link StateFile} writes as a whole.
 *
 * @param snapshots by {@code volume@name}
 * @param devices tables of mapped devices that {@code dm create} made, by name
 */
public record RuntimeState(
    SortedMap<String, SnapshotState> snapshots, SortedMap<String, String> devices) {
  /** No snapshots and no devices. */
  public static final RuntimeState EMPTY = new RuntimeState(new TreeMap<>(), new TreeMap<>());

  public RuntimeState {
    snapshots = Collections.unmodifiableSortedMap(new TreeMap<>(snapshots));
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
  }

  public @Nullable SnapshotState snapshot(String device) {
    return snapshots.get(device);
  }

  /** The turn of a merge that is asked for now: behind all others. */
  public long nextTurn() {
    return 1 + snapshots.values().stream().mapToLong(SnapshotState::turn).max().orElse(0);
  }

  /** With this snapshot added, or in place of the one of its name. */
  public RuntimeState with(SnapshotState snapshot) {
    SortedMap<String, SnapshotState> changed = new TreeMap<>(snapshots);
    changed.put(snapshot.device(), snapshot);
    return new RuntimeState(changed, devices);
  }

  public RuntimeState withoutSnapshot(String device) {
    SortedMap<String, SnapshotState> changed = new TreeMap<>(snapshots);
    changed.remove(device);
    return new RuntimeState(changed, devices);
  }

  public RuntimeState withDevice(String name, String table) {
    SortedMap<String, String> changed = new TreeMap<>(devices);
    changed.put(name, table);
    return new RuntimeState(snapshots, changed);
  }

  public RuntimeState withoutDevice(String name) {
    SortedMap<String, String> changed = new TreeMap<>(devices);
    changed.remove(name);
    return new RuntimeState(snapshots, changed);
  }
}
