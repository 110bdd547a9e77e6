// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/** Makes events of the log. */
final class Events {
  private static final LoggerContext CONTEXT = context();

  private Events() {}

  private static LoggerContext context() {
    LoggerContext context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    return context;
  }

  static LoggingEvent event(Level level, String message, @Nullable Object... arguments) {
    return event("org.anabranch.iscsi.login.Login", level, null, message, arguments);
  }

  static LoggingEvent event(
      String logger,
      Level level,
      @Nullable Throwable thrown,
      String message,
      @Nullable Object... arguments) {
    return new LoggingEvent(
        Events.class.getName(), CONTEXT.getLogger(logger), level, message, thrown, arguments);
  }

  static LoggingEvent from(String address, Level level, String message, Object... arguments) {
    LoggingEvent event = event(level, message, arguments);
    event.addKeyValuePair(new KeyValuePair(RepeatLimit.FROM, address));
    return event;
  }
}
