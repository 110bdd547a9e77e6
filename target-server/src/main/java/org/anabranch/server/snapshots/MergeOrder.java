// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;

/**
 * Which of several merges of a volume is next: the one that was asked for first, of those that need
 * not wait for a user. It waits for the merge before it, and for an export of its snapshot; those
 * behind it wait, too. Any thread may ask; the answer holds by its turn in {@code Changes}.
 */
final class MergeOrder {
  private final SnapshotRegistry registry;
  private final Readers readers;
  private final Uses uses;

  MergeOrder(SnapshotRegistry registry, Readers readers, Uses uses) {
    this.registry = registry;
    this.readers = readers;
    this.uses = uses;
  }

  /** The devices whose users a merge waits for. */
  static Set<String> devices(SnapshotState snapshot) {
    return Set.of(snapshot.volume(), snapshot.device());
  }

  /** The snapshot that a volume is being rolled back to. */
  @Nullable SnapshotState merging(String volume) {
    return registry.all().stream()
        .filter(snapshot -> snapshot.volume().equals(volume) && snapshot.phase() == Phase.MERGING)
        .findAny()
        .orElse(null);
  }

  /** The merge of a volume that is to begin now; null when there is none. */
  @Nullable SnapshotState next(RuntimeState state, String volume) {
    return next(state, volume, false);
  }

  /**
   * The same.
   *
   * @param inUse whether merges are to begin that wait for somebody who uses the volume
   */
  @Nullable SnapshotState next(RuntimeState state, String volume, boolean inUse) {
    List<SnapshotState> all =
        state.snapshots().values().stream().filter(each -> each.volume().equals(volume)).toList();
    if (all.stream().anyMatch(each -> each.phase() == Phase.MERGING)) {
      return null;
    }
    return all.stream()
        .filter(each ->
            each.phase() == Phase.QUEUED
                || (each.phase() == Phase.WAITING && (inUse || uses.of(devices(each)).isEmpty())))
        .min(Comparator.comparingLong(SnapshotState::turn))
        .filter(each -> !readers.read(each.device()))
        .orElse(null);
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
              + ": another merge of the volume, or an export of the snapshot, comes before it; ask"
              + " again when that has ended");
    }
  }
}
