// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.time.Duration;
import java.util.Objects;
import org.anabranch.config.VolumeLimits;

/** Reads {@code limits} of a volume, and of {@code volume-defaults}. */
final class VolumeLimitsReader {
  private static final ValueFormat<Integer> IOPS = ValueFormat.integer(0, VolumeLimits.MOST_IOPS);
  private static final ValueFormat<Long> BYTES =
      ValueFormat.rate(VolumeLimits.LEAST_BYTES, VolumeLimits.MOST_BYTES);
  private static final ValueFormat<Duration> BURST =
      ValueFormat.duration(VolumeLimits.LEAST_BURST, VolumeLimits.LONGEST_BURST);

  private VolumeLimitsReader() {}

  /** Each key has a default in reference.conf. */
  static VolumeLimits defaults(Section section) {
    VolumeLimits limits =
        new VolumeLimits(
            section.withDefault("iops", IOPS),
            section.withDefault("read-iops", IOPS),
            section.withDefault("write-iops", IOPS),
            section.withDefault("bytes-per-second", BYTES),
            section.withDefault("read-bytes-per-second", BYTES),
            section.withDefault("write-bytes-per-second", BYTES),
            section.withDefault("burst", BURST));
    section.end();
    return limits;
  }

  /** What a volume does not say is as in {@code volume-defaults}. */
  static VolumeLimits limits(Section section, VolumeLimits defaults) {
    VolumeLimits limits =
        new VolumeLimits(
            iops(section, "iops", defaults.iops()),
            iops(section, "read-iops", defaults.readIops()),
            iops(section, "write-iops", defaults.writeIops()),
            bytes(section, "bytes-per-second", defaults.bytes()),
            bytes(section, "read-bytes-per-second", defaults.readBytes()),
            bytes(section, "write-bytes-per-second", defaults.writeBytes()),
            Objects.requireNonNullElse(section.optional("burst", BURST), defaults.burst()));
    section.end();
    if (limits.isNone() && section.has("burst")) {
      section.warn("burst", "there is no limit that it could belong to", "iops = 500, for example");
    }
    useless(section, "read-iops", limits.readIops(), "iops", limits.iops());
    useless(section, "write-iops", limits.writeIops(), "iops", limits.iops());
    String bytes = "bytes-per-second";
    useless(section, "read-" + bytes, limits.readBytes(), bytes, limits.bytes());
    useless(section, "write-" + bytes, limits.writeBytes(), bytes, limits.bytes());
    return limits;
  }

  /** Warns of a limit that another one, which holds as well, makes meaningless. */
  private static void useless(
      Section section, String key, long value, String total, long together) {
    if (section.has(key) && together > 0 && value >= together) {
      section.warn(
          key,
          "it changes nothing: " + total + " holds for reads and writes together, and is no higher",
          "a value below " + total);
    }
  }

  private static long iops(Section section, String key, long otherwise) {
    Integer given = section.optional(key, IOPS);
    return given == null ? otherwise : given;
  }

  private static long bytes(Section section, String key, long otherwise) {
    return Objects.requireNonNullElse(section.optional(key, BYTES), otherwise);
  }
}
