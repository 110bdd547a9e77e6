// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.anabranch.server.terminal.Sizes;

/**
 * How far a merge is, in words.
 *
 * @param state such as {@code running}, {@code paused}, {@code failed}
 * @param merged bytes
 * @param remaining bytes
 * @param rate bytes a second
 * @param seconds that it will take; less than 0 when unknown
 * @param throttle the most bytes a second that it may merge; 0: as many as it can
 */
record MergeText(
    String state, double merged, double remaining, double rate, long seconds, double throttle) {
  /** What {@code snapshot list --json} has below {@code merge}. */
  static MergeText of(Map<?, ?> merge) {
    return new MergeText(
        String.valueOf(merge.get("state")),
        number(merge, "merged-bytes", 0),
        number(merge, "remaining-bytes", 0),
        number(merge, "bytes-per-second", 0),
        (long) number(merge, "seconds-left", -1),
        number(merge, "throttle-bytes-per-second", 0));
  }

  private static double number(Map<?, ?> merge, String key, double otherwise) {
    return merge.get(key) instanceof Number n ? n.doubleValue() : otherwise;
  }

  /** Of the work that is done, 0 to 1. */
  double share() {
    double total = merged + remaining;
    return total == 0 ? 1 : merged / total;
  }

  /** Amount, rate and time left; instead of these two what keeps it from going on. */
  String words() {
    String amount = Sizes.bytes(merged) + " of " + Sizes.bytes(merged + remaining);
    if (!state.equals("running")) {
      return amount + ", " + state;
    }
    return amount
        + ", "
        + Sizes.bytes(rate)
        + "/s"
        + (throttle == 0 ? "" : " of at most " + Sizes.bytes(throttle) + "/s")
        + (seconds < 0 ? "" : ", " + Sizes.time(Duration.ofSeconds(seconds)) + " left");
  }

  /** All of it, such as {@code 62 %, 70 MiB of 112 MiB, 40 MiB/s, 1.0 s left}. */
  String line() {
    return String.format(Locale.ROOT, "%.0f %%, ", Math.floor(share() * 100)) + words();
  }
}
