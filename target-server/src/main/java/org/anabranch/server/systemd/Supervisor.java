// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.systemd;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service manager that started this process, such as systemd for a unit with {@code
 * Type=notify}. Any thread may call; each call sends at most one message.
 *
 * <pre>
 *   READY=1             logins are accepted; again after a reload, applied or refused
 *   RELOADING=1         the configuration is being read again
 *   STOPPING=1          the server stops
 *   STATUS=...          one line for people, as systemctl status shows it
 *   WATCHDOG=1          the event loops answer, see {@link Watchdog}
 * </pre>
 *
 * A message that cannot be sent is logged and costs nothing else: without READY the manager ends
 * the start by itself, as its unit says.
 */
public final class Supervisor {
  private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);
  private static final int MAX_STATUS = 500;

  /** What is there when no manager wants to hear anything. */
  public static final Supervisor NONE = new Supervisor(null, Duration.ZERO);

  private final @Nullable NotifySocket socket;
  private final Duration watchdog;

  private Supervisor(@Nullable NotifySocket socket, Duration watchdog) {
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /** The one that the environment of this process names, or {@link #NONE}. */
  public static Supervisor ofEnvironment() {
    return of(System.getenv(), ProcessHandle.current().pid());
  }

  static Supervisor of(Map<String, String> environment, long pid) {
    String name = environment.getOrDefault("NOTIFY_SOCKET", "");
    if (name.isEmpty()) {
      return NONE;
    }
    try {
      return new Supervisor(new NotifySocket(name), watchdog(environment, pid));
    } catch (IOException e) {
      LOG.warn("the service manager hears nothing: NOTIFY_SOCKET is {}", e.getMessage());
      return NONE;
    }
  }

  /** Zero without one, or when it is meant for another process. */
  private static Duration watchdog(Map<String, String> environment, long pid) {
    String of = environment.getOrDefault("WATCHDOG_PID", "");
    String micros = environment.getOrDefault("WATCHDOG_USEC", "");
    if (micros.isEmpty() || !(of.isEmpty() || of.equals(Long.toString(pid)))) {
      return Duration.ZERO;
    }
    try {
      return Duration.ofNanos(TimeUnit.MICROSECONDS.toNanos(Math.max(0, Long.parseLong(micros))));
    } catch (NumberFormatException e) {
      LOG.warn("there is no watchdog: WATCHDOG_USEC is no number: {}", micros);
      return Duration.ZERO;
    }
  }

  /** How long it waits for a sign of life before it restarts the server; zero: for ever. */
  public Duration watchdog() {
    return watchdog;
  }

  /** The server is ready, for the first time or after a reload. */
  public void ready(String status) {
    send("READY=1\nSTATUS=" + line(status));
  }

  /** The server reads its configuration again; {@link #ready} follows, however it ends. */
  public void reloading() {
    long micros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
    send("RELOADING=1\nMONOTONIC_USEC=" + micros + "\nSTATUS=Reloading the configuration");
  }

  /** The server stops. */
  public void stopping() {
    send("STOPPING=1\nSTATUS=Stopping: making durable what was written");
  }

  /** The server is alive. */
  void alive() {
    send("WATCHDOG=1");
  }

  private static String line(String status) {
    String line = status.replace('\n', ' ');
    return line.length() <= MAX_STATUS ? line : line.substring(0, MAX_STATUS) + "...";
  }

  private void send(String message) {
    if (socket == null) {
      return;
    }
    try {
      socket.send(message);
    } catch (IOException e) {
      LOG.warn("the service manager was not told {}: {}", firstLine(message), e.getMessage());
    }
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
