// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import java.util.List;

/**
 * Lines for people: time, level, subject, message, and the numbers of connection and session. The
 * message names whatever else the line concerns. A stack trace, where one is wanted, follows in
 * lines of its own.
 */
final class PlainFormat implements LineFormat {
  private static final List<String> SHOWN = List.of("connection", "session");

  private final boolean journal;

  /**
   * @param journal a priority in front and no time, which the journal has itself
   */
  PlainFormat(boolean journal) {
    this.journal = journal;
  }

  @Override
  public void append(StringBuilder out, LogLine line) {
    if (journal) {
      out.append(LineFormat.priority(line));
    } else {
      LineFormat.Time.append(out, line.time());
      String level = line.level().toString();
      out.append(' ').append(level).append(" ".repeat(Math.max(1, 6 - level.length())));
    }
    if (!beginsWith(line.message(), line.subject())) {
      out.append(line.subject()).append(": ");
    }
    out.append(line.message());
    if (line.exception() != null && line.stack().isEmpty()) {
      out.append(": ").append(line.exception());
    }
    for (String id : SHOWN) {
      Object value = line.ids().get(id);
      if (value != null) {
        out.append(' ').append(id).append('=').append(value);
      }
    }
    out.append('\n');
    for (String each : line.stack()) {
      out.append(journal ? LineFormat.priority(line) : "").append(each).append('\n');
    }
  }

  /** Whether a message names its subject itself, as in {@code snapshot vm1@a: taken}. */
  private static boolean beginsWith(String message, String subject) {
    return message.startsWith(subject)
        && message.length() > subject.length()
        && " :".indexOf(message.charAt(subject.length())) >= 0;
  }
}
