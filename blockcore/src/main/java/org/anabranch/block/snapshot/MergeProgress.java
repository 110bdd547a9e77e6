// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The state of a merge and the remaining work.
 *
 * @param state what the merge is doing
 * @param remainingBytes bytes not merged yet
 * @param mergedBytes bytes merged since the device was activated
 * @param bytesPerSecond the current speed; 0 before the first batch
 * @param waitingWrites writes that wait while their sectors are copied
 */
public record MergeProgress(
    State state, long remainingBytes, long mergedBytes, long bytesPerSecond, int waitingWrites) {
  /** What a merge is doing. */
  public enum State {
    /** It waits for the device to be resumed, or for a handover. */
    STOPPED,
    RUNNING,
    PAUSED,
    /** Everything is merged. */
    DONE,
    FAILED,
    /** The snapshot is invalid and cannot be merged. */
    INVALID
  }

  /** Estimated seconds until the end; -1 before the first batch. */
  public long secondsLeft() {
    if (remainingBytes == 0) {
      return 0;
    }
    return bytesPerSecond == 0 ? -1 : (remainingBytes + bytesPerSecond - 1) / bytesPerSecond;
  }

  /** The reply to the message {@code progress}. */
  @Override
  public String toString() {
    return "%s remaining=%d merged=%d rate=%d seconds=%d waiting=%d"
        .formatted(
            state.name().toLowerCase(java.util.Locale.ROOT),
            remainingBytes,
            mergedBytes,
            bytesPerSecond,
            secondsLeft(),
            waitingWrites);
  }
}
