// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Times in the form that the configuration file has them. */
public final class TimeSpan {
  private static final ValueFormat<Duration> ANY =
      ValueFormat.duration(Duration.ZERO, Duration.ofDays(365_000));

  private TimeSpan() {}

  /**
   * A time, from a text such as {@code 500 ms}, {@code 15 s} or {@code 2 min}.
   *
   * @return null when the text is no time
   */
  public static @Nullable Duration parse(String text) {
    return ANY.reader().apply(text);
  }
}
