// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;

/**
 * Which of several merges of a volume is next: the one that was asked for first, of those that need
 * not wait for a user. It waits for the merge before it, and for an export of its snapshot; those
 * behind it wait, too. Any thread may ask; the answer holds by its turn in {@code Changes}.
 *
 * <p>Merges of several volumes that were asked for together have the same turn. They begin
 * together, when each of them is next in its volume and nobody uses one of these volumes. Two such
 * groups never wait for each other, since one of them was asked for first.
 */
public final class MergeOrder {
  private final SnapshotRegistry registry;
  private final Readers readers;
  private final Uses uses;

  MergeOrder(SnapshotRegistry registry, Readers readers, Uses uses) {
    this.registry = registry;
    this.readers = readers;
    this.uses = uses;
  }

  /** The devices whose users a merge waits for. Whoever uses a snapshot that is kept may go on. */
  public static Set<String> devices(SnapshotState snapshot) {
    return devices(List.of(snapshot));
  }

  /** The same for merges that begin together. */
  public static Set<String> devices(List<SnapshotState> snapshots) {
    Set<String> devices = new TreeSet<>();
    for (SnapshotState snapshot : snapshots) {
      devices.add(snapshot.volume());
      if (!snapshot.keeps()) {
        devices.add(snapshot.device());
      }
    }
    return devices;
  }

  /** The snapshots that are merged together with one, itself among them, by name. */
  static List<SnapshotState> together(RuntimeState state, SnapshotState snapshot) {
    return snapshot.turn() == 0
        ? List.of(snapshot)
        : state.snapshots().values().stream()
            .filter(each -> each.turn() == snapshot.turn())
            .toList();
  }

  /** The snapshot that a volume is being rolled back to. */
  public @Nullable SnapshotState merging(String volume) {
    return registry.all().stream()
        .filter(snapshot -> snapshot.volume().equals(volume) && snapshot.phase() == Phase.MERGING)
        .findAny()
        .orElse(null);
  }

  /** The merges that are to begin now, one of them of this volume; none when it must wait. */
  List<SnapshotState> next(RuntimeState state, String volume) {
    return next(state, volume, false);
  }

  /**
   * The same.
   *
   * @param inUse whether merges are to begin that wait for somebody who uses the volume
   */
  List<SnapshotState> next(RuntimeState state, String volume, boolean inUse) {
    SnapshotState first = first(state, volume, inUse);
    if (first == null) {
      return List.of();
    }
    List<SnapshotState> group = together(state, first);
    boolean all =
        group.stream()
            .allMatch(each ->
                each.equals(first(state, each.volume(), inUse)) && !readers.read(each.device()));
    return all ? group : List.of();
  }

  private @Nullable SnapshotState first(RuntimeState state, String volume, boolean inUse) {
    List<SnapshotState> all =
        state.snapshots().values().stream().filter(each -> each.volume().equals(volume)).toList();
    if (all.stream().anyMatch(each -> each.phase() == Phase.MERGING)) {
      return null;
    }
    return all.stream()
        .filter(each ->
            each.phase() == Phase.QUEUED
                || (each.phase() == Phase.WAITING
                    && (inUse || uses.of(devices(together(state, each))).isEmpty())))
        .min(Comparator.comparingLong(SnapshotState::turn))
        .orElse(null);
  }

  /** Refuses what cannot be merged together: two of one volume, or a part of a group. */
  void refuseUnlessTogether(List<SnapshotState> named) throws RefusedException {
    Set<String> volumes = new TreeSet<>();
    for (SnapshotState each : named) {
      if (!volumes.add(each.volume())) {
        throw new RefusedException(
            "volume " + each.volume() + " is named twice; it can be rolled back to one snapshot");
      }
      for (SnapshotState other : together(registry.state(), each)) {
        if (!named.contains(other)) {
          throw new RefusedException(
              "snapshot "
                  + each.device()
                  + " is to be rolled back to together with "
                  + other.device()
                  + ": name both, or cancel that with snapshot merge --cancel");
        }
      }
    }
  }

  /** A merge that is to take over at a login cannot wait for another one then. */
  void refuseIfNotNext(SnapshotState asked) throws RefusedException {
    boolean others =
        registry.all().stream()
            .anyMatch(each ->
                each.volume().equals(asked.volume())
                    && !each.device().equals(asked.device())
                    && (each.phase() == Phase.MERGING || each.turn() > 0));
    if (others || readers.read(asked.device())) {
      throw new RefusedException(
          "snapshot "
              + asked.device()
              + ": another rollback of the volume, or an export of the snapshot, comes before it; try"
              + " again when that has ended");
    }
  }

  /** Refuses to remove a snapshot whose merge waits, unless it is forced. */
  public static void refuseUnderWaitingMerge(SnapshotState snapshot, boolean force)
      throws RefusedException {
    boolean waits = snapshot.phase() == Phase.WAITING || snapshot.phase() == Phase.QUEUED;
    if (waits && !force) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " waits to be rolled back to "
              + snapshot.device()
              + ", which would be dropped; snapshot merge --cancel "
              + snapshot.device()
              + " first, or use --force");
    }
  }
}
