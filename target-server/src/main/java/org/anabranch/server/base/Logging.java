// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.util.Objects;

/**
 * The log of the {@code anabranch} command: one line an event, on standard error. An exception adds
 * its first line; with {@code -v} all of it. System properties {@value #LEVEL} and {@value
 * #EXCEPTIONS} ask for the same and are read when the first logger is made.
 *
 * <p>In Java and not in logback's XML, which takes a tenth of the time to start. Logback finds this
 * class by its services file; whoever names a file with {@code logback.configurationFile} gets that
 * one, and a program that has not called {@link #command} gets logback's usual search.
 */
public final class Logging extends ContextAwareBase implements Configurator {
  private static final String LEVEL = "anabranch.log.level";
  private static final String EXCEPTIONS = "anabranch.log.exceptions";

  private static final String LINE = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %logger{0}: %msg";
  private static final String FIRST_LINE = "%replace( %ex{short}){'^ $|\\n(?!\\s)|\\n$', ''}%nopex";

  private static volatile boolean command;

  /** Says that this is the command, before the first logger is made. */
  public static void command() {
    command = true;
  }

  /** Logs more, with stack traces; before the first logger is made. */
  public static void verbose() {
    System.setProperty(LEVEL, "DEBUG");
    System.setProperty(EXCEPTIONS, "full");
  }

  /** Logs nothing but what is wrong, where nobody has asked for another level. */
  public static void quiet() {
    if (System.getProperty(LEVEL) == null) {
      System.setProperty(LEVEL, "WARN");
    }
  }

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (!command || System.getProperty("logback.configurationFile") != null) {
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    var line = new PatternLayoutEncoder();
    line.setContext(context);
    line.setPattern(
        LINE + (Objects.equals(System.getProperty(EXCEPTIONS), "full") ? "%n" : FIRST_LINE + "%n"));
    line.start();
    var appender = new ConsoleAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setName("stderr");
    appender.setTarget("System.err");
    appender.setEncoder(line);
    appender.start();
    context.getLogger("io.netty").setLevel(Level.WARN);
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.toLevel(System.getProperty(LEVEL), Level.INFO));
    root.addAppender(appender);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
