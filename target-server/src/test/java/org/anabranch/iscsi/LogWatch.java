// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what is logged that should not be: errors, and anything with a stack trace. */
public final class LogWatch extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private final List<String> bad = new CopyOnWriteArrayList<>();
  private final List<String> warnings = new CopyOnWriteArrayList<>();
  private final List<String> numbered = new CopyOnWriteArrayList<>();
  private final ch.qos.logback.classic.Logger root;

  public LogWatch() {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    setContext(context);
    start();
    root.addAppender(this);
  }

  @Override
  protected void append(ILoggingEvent event) {
    if (event.getLevel().isGreaterOrEqual(Level.WARN)) {
      warnings.add(event.getFormattedMessage());
      numbered.add(event.getFormattedMessage() + " " + event.getKeyValuePairs());
    }
    if (event.getLevel().isGreaterOrEqual(Level.ERROR) || event.getThrowableProxy() != null) {
      bad.add(
          event
              + (event.getThrowableProxy() == null
                  ? ""
                  : ": "
                      + event.getThrowableProxy().getClassName()
                      + " "
                      + event.getThrowableProxy().getMessage()));
    }
  }

  /** Warnings and errors so far, and forgets them. */
  public List<String> takeWarnings() {
    List<String> taken = List.copyOf(warnings);
    warnings.clear();
    return taken;
  }

  /** All warnings and errors so far, with their keys. */
  public List<String> numberedWarnings() {
    return List.copyOf(numbered);
  }

  /** Nothing of the kind so far. */
  public void assertClean() {
    assertThat(bad).as("errors and stack traces in the log").isEmpty();
  }

  @Override
  public void close() {
    root.detachAppender(this);
    stop();
  }
}
