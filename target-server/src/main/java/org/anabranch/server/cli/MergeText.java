// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Duration;
import java.util.Locale;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.snapshots.MergeEntry;
import org.anabranch.server.terminal.Sizes;

/**
 * How far a merge is, in words.
 *
 * @param merge as the server reports it
 */
record MergeText(MergeEntry merge) {
  /** Of the work that is done, 0 to 1. */
  double share() {
    double total = (double) merge.mergedBytes() + merge.remainingBytes();
    return total == 0 ? 1 : merge.mergedBytes() / total;
  }

  /** Amount, rate and time left; instead of these two what keeps it from going on. */
  String words() {
    String amount =
        Sizes.bytes((double) merge.mergedBytes())
            + " of "
            + Sizes.bytes((double) merge.mergedBytes() + merge.remainingBytes());
    if (merge.state() != MergeProgress.State.RUNNING) {
      return amount + ", " + RecordJson.constant(merge.state());
    }
    long throttle = merge.throttleBytesPerSecond();
    long seconds = merge.secondsLeft();
    return amount
        + ", "
        + Sizes.bytes((double) merge.bytesPerSecond())
        + "/s"
        + (throttle == 0 ? "" : " of at most " + Sizes.bytes((double) throttle) + "/s")
        + (seconds < 0 ? "" : ", " + Sizes.time(Duration.ofSeconds(seconds)) + " left");
  }

  /** All of it, such as {@code 62 %, 70 MiB of 112 MiB, 40 MiB/s, 1.0 s left}. */
  String line() {
    return String.format(Locale.ROOT, "%.0f %%, ", Math.floor(share() * 100)) + words();
  }
}
