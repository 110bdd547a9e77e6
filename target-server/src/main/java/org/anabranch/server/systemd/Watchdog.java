// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.systemd;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds the service manager's watchdog, as long as the server is alive: twice in each interval it
 * asks the server for an answer, and feeds when that has come.
 *
 * <dl>
 *   <dt>What happens when an event loop hangs?
 *   <dd>The answer does not come, and nothing is fed. After half of the interval this is logged;
 *       after the whole of it the manager ends the process, and starts it again if the unit says
 *       so. An answer that comes in time feeds at once.
 *   <dt>What happens when a disk hangs?
 *   <dd>Nothing: event loops do not wait for disks, and the server goes on for other volumes.
 * </dl>
 */
public final class Watchdog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);

  private final Supervisor supervisor;
  private final Supplier<CompletableFuture<Void>> life;
  private final Duration pause;
  private final CountDownLatch closed = new CountDownLatch(1);

  private Watchdog(Supervisor supervisor, Supplier<CompletableFuture<Void>> life) {
    this.supervisor = supervisor;
    this.life = life;
    this.pause = supervisor.watchdog().dividedBy(2);
  }

  /**
   * Begins, on a thread of its own; where the manager has no watchdog, that thread does not exist.
   *
   * @param life asks the server for an answer, which comes when all its event loops have answered
   */
  public static Watchdog start(Supervisor supervisor, Supplier<CompletableFuture<Void>> life) {
    Watchdog watchdog = new Watchdog(supervisor, life);
    if (watchdog.pause.isPositive()) {
      Thread.ofPlatform().daemon().name("watchdog").start(watchdog::run);
    }
    return watchdog;
  }

  private void run() {
    try {
      do {
        await(life.get());
      } while (!closed.await(pause.toNanos(), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Feeds when the answer comes, however late; warns once when it is late. */
  private void await(CompletableFuture<Void> answer) throws InterruptedException {
    boolean late = false;
    while (closed.getCount() > 0) {
      try {
        answer.get(pause.toNanos(), TimeUnit.NANOSECONDS);
        supervisor.alive();
        return;
      } catch (TimeoutException e) {
        if (!late) {
          LOG.warn(
              "an event loop has not answered for {} ms: the service manager restarts the server if that"
                  + " goes on",
              pause.toMillis());
        }
        late = true;
      } catch (ExecutionException e) {
        LOG.warn("the event loops cannot be asked: {}", String.valueOf(e.getCause()));
        return;
      }
    }
  }

  /** Ends it: a server that stops is watched by the manager's own time for that. */
  @Override
  public void close() {
    closed.countDown();
  }
}
