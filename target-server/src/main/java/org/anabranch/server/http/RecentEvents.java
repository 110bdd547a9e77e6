// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.anabranch.naming.PrintableText;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The last {@value #MAX} lines of the log, from INFO on, with what could mislead a reader escaped.
 * Any thread.
 */
public final class RecentEvents implements AutoCloseable {
  private static final int MAX = 100;
  private static final int MAX_LENGTH = 500;

  /** A line. */
  public record Event(Instant time, String level, String text) {}

  /** The newest first. */
  public record Recent(List<Event> events) {}

  private final class Appender extends AppenderBase<ILoggingEvent> {
    @Override
    protected void append(ILoggingEvent event) {
      if (event.getLevel().isGreaterOrEqual(Level.INFO)) {
        add(
            new Event(
                Instant.ofEpochMilli(event.getTimeStamp()),
                event.getLevel().toString().toLowerCase(Locale.ROOT),
                PrintableText.of(event.getFormattedMessage(), MAX_LENGTH)));
      }
    }
  }

  private final Deque<Event> events = new ArrayDeque<>(MAX); // guarded by this

  /** Null where the log is another library's. */
  private final @Nullable Logger log;

  private final Appender appender = new Appender();

  RecentEvents() {
    log =
        LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root
            ? root
            : null;
    if (log != null) {
      appender.setContext(log.getLoggerContext());
      appender.start();
      log.addAppender(appender);
    }
  }

  private synchronized void add(Event event) {
    if (events.size() == MAX) {
      events.removeLast();
    }
    events.addFirst(event);
  }

  synchronized Recent recent() {
    return new Recent(new ArrayList<>(events));
  }

  @Override
  public void close() {
    if (log != null) {
      log.detachAppender(appender);
    }
    appender.stop();
  }
}
