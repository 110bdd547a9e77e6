// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Instant;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.snapshots.MergeWait;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/** A snapshot, and how far its merge is. */
public record SnapshotEntry(
    @Flat SnapshotFacts facts,
    @Doc("the most that its merge may move, when it is bounded")
        @Nullable Long throttleBytesPerSecond,
    @Doc("while its phase is waiting") @Nullable List<WaitEntry> waitsFor,
    @Doc("a time: until then the merge begins at the next login")
        @Nullable Instant onNextLoginUntil,
    @Doc("while it is merged") @Nullable MergeEntry merge) {
  static SnapshotEntry of(SnapshotState snapshot, Snapshots snapshots) throws RefusedException {
    boolean waits = snapshot.phase() == SnapshotState.Phase.WAITING;
    @Nullable MergeWait wait = waits ? snapshots.waits(snapshot) : null;
    return new SnapshotEntry(
        SnapshotFacts.of(snapshot, snapshots),
        snapshot.throttle() > 0 ? (Long) snapshot.throttle() : null,
        wait == null ? null : WaitEntry.of(wait),
        wait == null ? null : WaitEntry.inSeconds(wait.onNextLoginUntil()),
        MergeEntry.of(snapshots.progress(snapshot.device())));
  }
}
