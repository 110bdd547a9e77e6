// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The state of a merge and how much of it is left.
 *
 * @param state what it does
 * @param remainingBytes bytes that are not merged yet
 * @param mergedBytes bytes merged since the device was activated
 * @param bytesPerSecond the present speed; 0 before the first batch
 * @param waitingWrites writes that wait while their sectors are copied
 */
public record MergeProgress(
    State state, long remainingBytes, long mergedBytes, long bytesPerSecond, int waitingWrites) {
  /** What a merge does. */
  public enum State {
    /** Waits for the device to be resumed, or for a handover. */
    STOPPED,
    RUNNING,
    PAUSED,
    /** Nothing is left. */
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

  /** As the message {@code progress} answers it. */
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
