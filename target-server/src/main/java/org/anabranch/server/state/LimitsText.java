// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.anabranch.config.VolumeLimits;

/**
 * Rate limits in {@code state.json} and with images that servers share: all of them as numbers, 0
 * for no limit.
 */
public final class LimitsText {
  /** The keys of such an object; each is there. */
  public static final Set<String> KEYS =
      Set.of(
          "iops",
          "read-iops",
          "write-iops",
          "bytes-per-second",
          "read-bytes-per-second",
          "write-bytes-per-second",
          "burst-millis");

  private LimitsText() {}

  /** The object of limits. */
  public static Map<String, Object> render(VolumeLimits limits) {
    return Map.of(
        "iops",
        limits.iops(),
        "read-iops",
        limits.readIops(),
        "write-iops",
        limits.writeIops(),
        "bytes-per-second",
        limits.bytes(),
        "read-bytes-per-second",
        limits.readBytes(),
        "write-bytes-per-second",
        limits.writeBytes(),
        "burst-millis",
        limits.burst().toMillis());
  }

  /**
   * The limits of an object with exactly {@link #KEYS}.
   *
   * @throws IllegalArgumentException when a value is out of its range
   */
  public static VolumeLimits parse(Config object) {
    Duration burst = Duration.ofMillis(object.getLong("burst-millis"));
    if (burst.compareTo(VolumeLimits.LEAST_BURST) < 0
        || burst.compareTo(VolumeLimits.LONGEST_BURST) > 0) {
      throw new IllegalArgumentException("burst-millis is " + burst.toMillis());
    }
    return new VolumeLimits(
        number(object, "iops", 1, VolumeLimits.MOST_IOPS),
        number(object, "read-iops", 1, VolumeLimits.MOST_IOPS),
        number(object, "write-iops", 1, VolumeLimits.MOST_IOPS),
        number(object, "bytes-per-second", VolumeLimits.LEAST_BYTES, VolumeLimits.MOST_BYTES),
        number(object, "read-bytes-per-second", VolumeLimits.LEAST_BYTES, VolumeLimits.MOST_BYTES),
        number(object, "write-bytes-per-second", VolumeLimits.LEAST_BYTES, VolumeLimits.MOST_BYTES),
        burst);
  }

  private static long number(Config object, String key, long least, long most) {
    long value = object.getLong(key);
    if (value != 0 && (value < least || value > most)) {
      throw new IllegalArgumentException(key + " is " + value);
    }
    return value;
  }
}
