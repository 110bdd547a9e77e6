// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.server.control.Doc;
import org.anabranch.server.snapshots.merge.MergeStatus;
import org.jspecify.annotations.Nullable;

/** How far a merge is. */
public record MergeEntry(
    @Doc("running, paused, stopped, done, failed, invalid") MergeProgress.State state,
    @Doc("what is left") long remainingBytes,
    @Doc("since the merge or the server began") long mergedBytes,
    @Doc("the rate of late") long bytesPerSecond,
    @Doc("-1: unknown") long secondsLeft,
    @Doc("the most that it may merge; 0: as much as it can") long throttleBytesPerSecond) {
  static @Nullable MergeEntry of(@Nullable MergeStatus merge) {
    return merge == null
        ? null
        : new MergeEntry(
            merge.state(),
            merge.remaining(),
            merge.merged(),
            merge.rate(),
            merge.seconds(),
            merge.throttle());
  }
}
