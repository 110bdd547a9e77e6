// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.anabranch.config.LogConfig;

/** How a line of the log looks. Used by one thread. */
interface LineFormat {
  /** Appends a line, with its line feed. */
  void append(StringBuilder out, LogLine line);

  /**
   * The format that is configured.
   *
   * @param journal whether standard error leads to the journal of systemd
   */
  static LineFormat of(LogConfig.Format format, boolean journal) {
    return switch (format) {
      case PLAIN -> new PlainFormat(journal);
      case LOGFMT -> new LogfmtFormat(journal);
      case JSON -> new JsonFormat(journal);
      case JOURNAL -> new PlainFormat(true);
    };
  }

  /** The time of a line, in ISO 8601 with milliseconds and the machine's zone. */
  final class Time {
    private static final DateTimeFormatter ISO =
        DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSXXX", Locale.ROOT)
            .withZone(ZoneId.systemDefault());

    private Time() {}

    static void append(StringBuilder out, Instant time) {
      ISO.formatTo(time, out);
    }
  }

  /** A level as structured formats have it: {@code error}, {@code warn} and so on. */
  static String word(Level level) {
    return level.toString().toLowerCase(Locale.ROOT);
  }

  /** The priority of syslog that systemd takes off the front of a line (sd-daemon(3)). */
  static String priority(LogLine line) {
    return switch (line.level().toInt()) {
      case Level.ERROR_INT -> "<3>";
      case Level.WARN_INT -> "<4>";
      case Level.INFO_INT -> line.audit() ? "<5>" : "<6>";
      default -> "<7>";
    };
  }
}
