// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.time.Duration;
import java.util.Objects;
import org.anabranch.config.LogConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The log of the {@code anabranch} command, on standard error, see {@link LogQueue}. An exception
 * adds one line; with {@code -v} all of it. System properties {@value #LEVEL} and {@value
 * #EXCEPTIONS} ask for the same and are read when the first logger is made.
 *
 * <p>In Java and not in logback's XML, which takes a tenth of the time to start. Logback finds this
 * class by its services file; whoever names a file with {@code logback.configurationFile} gets that
 * one, and a program that has not called {@link #command} gets logback's usual search.
 */
public final class Logging extends ContextAwareBase implements Configurator {
  private static final String LEVEL = "anabranch.log.level";
  private static final String EXCEPTIONS = "anabranch.log.exceptions";
  private static final Duration LAST_LINES = Duration.ofSeconds(1);

  private static volatile boolean command;
  private static volatile boolean server;
  private static volatile @Nullable LogQueue queue;

  /** For logback, which makes one. */
  public Logging() {}

  /** Says that this is the command, before the first logger is made. */
  public static void command() {
    command = true;
  }

  /**
   * Says that this is a server: its log waits until {@link #configure(LogConfig)} says how lines
   * look, or until the process ends. Before the first logger is made.
   */
  public static void server() {
    command = true;
    server = true;
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

  /**
   * Logs as a configuration file says, from here on. A level that was asked for with {@code -v}
   * stays. Does nothing where the log is not ours, see {@link #command}.
   */
  public static void configure(LogConfig config) {
    LoggerContext context =
        LoggerFactory.getILoggerFactory() instanceof LoggerContext logback ? logback : null;
    LogQueue ours = queue;
    if (context == null || ours == null) {
      return;
    }
    if (System.getProperty(LEVEL) == null) {
      context
          .getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
          .setLevel(Level.valueOf(config.level().name()));
    }
    ours.format(LineFormat.of(config.format(), isJournal()));
  }

  /**
   * Writes what waits, if standard error takes it soon. Where nothing is logged it does nothing.
   */
  public static void flush() {
    LogQueue ours = queue;
    if (ours != null) {
      ours.flush(LAST_LINES);
    }
  }

  private static boolean isJournal() {
    return StandardError.isJournal(System.getenv("JOURNAL_STREAM"));
  }

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (!command || System.getProperty("logback.configurationFile") != null) {
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    LogQueue ours =
        new LogQueue(
            StandardError.stream(),
            new RepeatLimit(System::nanoTime),
            LineFormat.of(LogConfig.Format.PLAIN, isJournal()),
            Objects.equals(System.getProperty(EXCEPTIONS), "full"),
            server);
    ours.setContext(context);
    ours.setName("stderr");
    ours.start();
    queue = ours;
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform().name("log end").unstarted(() -> ours.flush(LAST_LINES)));
    context.getLogger("io.netty").setLevel(Level.WARN);
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.toLevel(System.getProperty(LEVEL), Level.INFO));
    root.addAppender(ours);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
