// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * The server's log, which goes to standard error.
 *
 * @param format how a line looks
 * @param level the least important lines that are written
 */
public record LogConfig(Format format, Level level) {
  /** How a line looks. */
  public enum Format {
    /** For people: time, level, subject, message, and the numbers of connection and session. */
    PLAIN,
    /** {@code key=value}, the values quoted where they must be. */
    LOGFMT,
    /** A JSON object. */
    JSON,
    /** As {@link #PLAIN}, with a priority of syslog in front and no time: for the journal. */
    JOURNAL
  }

  /** How important a line is, the most important first. */
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }
}
