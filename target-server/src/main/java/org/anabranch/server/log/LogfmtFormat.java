// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

/** {@code key=value} pairs; a value with a blank, a quote or an equals sign is quoted. */
final class LogfmtFormat implements LineFormat {
  private final boolean journal;

  /**
   * @param journal a priority in front and no time, which the journal has itself
   */
  LogfmtFormat(boolean journal) {
    this.journal = journal;
  }

  @Override
  public void append(StringBuilder out, LogLine line) {
    if (journal) {
      out.append(LineFormat.priority(line));
    } else {
      out.append("time=");
      LineFormat.Time.append(out, line.time());
      out.append(' ');
    }
    out.append("level=").append(LineFormat.word(line.level()));
    pair(out, "subject", line.subject());
    pair(out, "message", line.message());
    line.ids().forEach((key, value) -> pair(out, key, String.valueOf(value)));
    if (line.exception() != null) {
      pair(out, "exception", line.exception());
    }
    if (!line.stack().isEmpty()) {
      pair(out, "stack", String.join("\n", line.stack()));
    }
    out.append('\n');
  }

  private static void pair(StringBuilder out, String key, String value) {
    out.append(' ').append(key).append('=');
    if (value.chars().noneMatch(c -> c <= ' ' || c == '"' || c == '=' || c == '\\')
        && !value.isEmpty()) {
      out.append(value);
      return;
    }
    String escaped = value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    out.append('"').append(escaped).append('"');
  }
}
