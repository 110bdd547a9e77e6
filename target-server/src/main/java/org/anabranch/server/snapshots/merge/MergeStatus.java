// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.block.snapshot.MergeProgress.State;

/**
 * How far a merge is.
 *
 * @param state what it does
 * @param remaining bytes left
 * @param merged bytes merged since the server started or the merge began
 * @param rate bytes a second
 * @param seconds that it will take; -1 when unknown
 * @param throttle the most bytes a second that it may merge; 0: as many as it can
 */
public record MergeStatus(
    State state, long remaining, long merged, long rate, long seconds, long throttle) {
  public static MergeStatus of(MergeHandle merge) {
    MergeProgress progress = merge.progress();
    return new MergeStatus(
        progress.state(),
        progress.remainingBytes(),
        progress.mergedBytes(),
        progress.bytesPerSecond(),
        progress.secondsLeft(),
        merge.throttle());
  }

  boolean isDone() {
    return state == State.DONE;
  }

  /** Whether it stopped at an error, and can be tried again. */
  public boolean isFailed() {
    return state == State.FAILED;
  }

  /** Whether it will not go on by itself. */
  public boolean isStuck() {
    return isFailed() || state == State.INVALID;
  }
}
