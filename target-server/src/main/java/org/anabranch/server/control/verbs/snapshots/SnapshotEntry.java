// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Instant;
import java.util.List;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.merge.MergeWait;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/** A snapshot, and how far its merge is. */
public record SnapshotEntry(
    @Flat SnapshotFacts facts,
    @Doc(
            "valid, overflowed (its store is full), invalid (its contents are lost); absent while there is"
                + " no such device")
        @Nullable Health state,
    @Doc("the schedule that made it; absent when somebody did, or has renamed it")
        @Nullable String schedule,
    @Doc("whether it is being exported or compared") boolean exporting,
    @Doc("whether requests to it wait, see dm suspend") boolean suspended,
    @Doc("the most that its merge may move, when it is bounded")
        @Nullable Long throttleBytesPerSecond,
    @Doc("whether its merge keeps it; absent while no merge runs or waits") @Nullable Boolean kept,
    @Doc("while its phase is waiting") @Nullable List<WaitEntry> waitsFor,
    @Doc("a time: until then the merge begins at the next login")
        @Nullable Instant onNextLoginUntil,
    @Doc("while it is merged") @Nullable MergeEntry merge) {
  /** What can be read of a snapshot. */
  public enum Health {
    VALID,
    OVERFLOWED,
    INVALID;

    private static @Nullable Health of(@Nullable SnapshotStatus status) {
      return status == null
          ? null
          : switch (status.state()) {
            case INVALID -> INVALID;
            case OVERFLOWED -> OVERFLOWED;
            case MERGE_FAILED, AWAITING_HANDOVER, VALID -> VALID;
          };
    }
  }

  static SnapshotEntry of(SnapshotState snapshot, Snapshots snapshots) throws RefusedException {
    boolean waits = snapshot.phase() == SnapshotState.Phase.WAITING;
    @Nullable MergeWait wait = waits ? snapshots.waits(snapshot) : null;
    return new SnapshotEntry(
        SnapshotFacts.of(snapshot, snapshots),
        Health.of(snapshots.state(snapshot)),
        snapshot.scheduled() == null ? null : snapshot.scheduled().schedule(),
        snapshots.isRead(snapshot.device()),
        snapshots.isSuspended(snapshot.device()),
        snapshot.throttle() > 0 ? (Long) snapshot.throttle() : null,
        (snapshot.phase() == SnapshotState.Phase.MERGING || snapshot.turn() > 0)
            ? (Boolean) snapshot.keeps()
            : null,
        wait == null ? null : WaitEntry.of(wait),
        wait == null ? null : WaitEntry.inSeconds(wait.onNextLoginUntil()),
        MergeEntry.of(snapshots.progress(snapshot.device())));
  }
}
