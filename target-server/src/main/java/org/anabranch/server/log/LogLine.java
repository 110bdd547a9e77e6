// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.naming.PrintableText;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;

/**
 * The parts of a line of the log. All texts are printable: whatever came from a peer is escaped
 * here, for all formats ({@link PrintableText}).
 *
 * @param audit whether the line says who did what
 * @param subject what the line is about, see {@link Subject}
 * @param ids numbers and names that the line concerns, such as connection and session
 * @param exception the exception in one line; null if there is none
 * @param stack the lines of its stack trace; empty unless these are wanted
 */
record LogLine(
    Instant time,
    Level level,
    boolean audit,
    String subject,
    String message,
    Map<String, Object> ids,
    @Nullable String exception,
    List<String> stack) {
  /** Marks a line that says who did what. */
  static final String AUDIT = "AUDIT";

  private static final int MAX_MESSAGE = 16_384;
  private static final int MAX_VALUE = 1024;

  /**
   * The parts of an event.
   *
   * @param more is appended to the message
   * @param stacks whether stack traces are wanted
   */
  static LogLine of(ILoggingEvent event, String more, boolean stacks) {
    IThrowableProxy thrown = event.getThrowableProxy();
    return new LogLine(
        event.getInstant(),
        event.getLevel(),
        isAudit(event),
        Subject.of(event.getLoggerName()),
        PrintableText.of(String.valueOf(event.getFormattedMessage()), MAX_MESSAGE) + more,
        ids(event),
        thrown == null ? null : brief(thrown),
        thrown == null || !stacks ? List.of() : stack(thrown));
  }

  /** Whether an event says who did what. */
  static boolean isAudit(ILoggingEvent event) {
    List<Marker> markers = event.getMarkerList();
    return markers != null && markers.stream().anyMatch(marker -> marker.getName().equals(AUDIT));
  }

  private static Map<String, Object> ids(ILoggingEvent event) {
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs == null || pairs.isEmpty()) {
      return Map.of();
    }
    Map<String, Object> ids = new LinkedHashMap<>();
    for (KeyValuePair pair : pairs) {
      Object value = pair.value;
      ids.put(
          pair.key,
          value instanceof Integer || value instanceof Long
              ? value
              : PrintableText.of(String.valueOf(value), MAX_VALUE));
    }
    return ids;
  }

  /** The class without its package, and the message. */
  private static String brief(IThrowableProxy thrown) {
    String type = thrown.getClassName();
    String message = thrown.getMessage();
    return type.substring(Math.max(type.lastIndexOf('.'), type.lastIndexOf('$')) + 1)
        + (message == null ? "" : ": " + PrintableText.of(message, MAX_MESSAGE));
  }

  private static List<String> stack(IThrowableProxy thrown) {
    return ThrowableProxyUtil.asString(thrown)
        .lines()
        .map(line -> PrintableText.of(line.replace("\t", "    ")))
        .toList();
  }
}
