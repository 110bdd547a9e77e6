// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.initiator.history.ServedDisks;
import org.anabranch.server.Site;
import org.jspecify.annotations.Nullable;

/**
 * The hosts of a server that comes and goes, and where it is now. Started and stopped by one
 * thread; hosts wait while there is no server.
 */
final class RecordedServer implements AutoCloseable {
  private static final long PATIENCE = 60;
  private static final Duration LOGIN_TIMEOUT = Duration.ofSeconds(20);

  /** A host whose login failed tries again after this, or when there is another server. */
  private static final long AGAIN_NANOS = 20_000_000;

  final Recorder recorder;
  final ServedDisks served = new ServedDisks();
  private final Initiator initiator = new Initiator(1);
  private final List<HistoryHost> hosts = new ArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private @Nullable String portal; // guarded by lock; null: no server
  private @Nullable String paused; // of the thread that starts and stops servers
  private boolean over; // guarded by lock

  RecordedServer(Recorder recorder) {
    this.recorder = recorder;
  }

  List<HistoryHost> hosts() {
    return hosts;
  }

  /** A host of its own, with one session. */
  HistoryHost host(String target) {
    int writer = hosts.size() + 1;
    SessionOptions options =
        SessionOptions.normal(target)
            .as("iqn.2026-11.org.example:host" + writer)
            .timeout(LOGIN_TIMEOUT);
    HistoryHost host = new HistoryHost(recorder, served, target, writer, () -> connect(options));
    hosts.add(host);
    return host;
  }

  /** The server is ready at this portal; null: it is gone. */
  void at(@Nullable String newPortal) {
    lock.lock();
    try {
      portal = newPortal;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Session connect(SessionOptions options) throws InterruptedException {
    while (true) {
      String at;
      lock.lock();
      try {
        while (portal == null && !over) {
          changed.await();
        }
        if (over) {
          return null;
        }
        at = Objects.requireNonNull(portal);
      } finally {
        lock.unlock();
      }
      try {
        return Initiator.await(initiator.login(Site.address(at), options), PATIENCE);
      } catch (IOException e) {
        awaitAnother(at);
      }
    }
  }

  private void awaitAnother(String portalBefore) throws InterruptedException {
    lock.lock();
    try {
      long left = AGAIN_NANOS;
      while (portalBefore.equals(portal) && !over && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The server's process is dead, and every answer that it gave is recorded. */
  void died(Event how) throws InterruptedException {
    at(null);
    for (HistoryHost host : hosts) {
      host.awaitQuiet();
    }
    recorder.happened(how);
  }

  /** Logs every host out; none logs in before {@link #carryOn}. */
  void pause() throws IOException, InterruptedException {
    // A login that is under way would be missed.
    Await.until("all hosts are logged in", () -> hosts.stream().allMatch(HistoryHost::isSettled));
    lock.lock();
    try {
      paused = portal;
    } finally {
      lock.unlock();
    }
    at(null);
    for (HistoryHost host : hosts) {
      host.logOut();
      host.awaitQuiet();
    }
  }

  void carryOn() {
    at(paused);
  }

  /** What has gone wrong so far, if something has. */
  void check() {
    recorder
        .violation()
        .ifPresent(violation -> {
          throw new AssertionError(violation + "\nhistory: " + recorder.file());
        });
    for (HistoryHost host : hosts) {
      Throwable failure = host.failure();
      if (failure != null) {
        throw new AssertionError(
            "a host failed: " + failure + "\nhistory: " + recorder.file(), failure);
      }
    }
  }

  long operations() {
    return hosts.stream().mapToLong(HistoryHost::operations).sum();
  }

  void awaitOperations(long more) throws InterruptedException {
    long goal = operations() + more;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
    lock.lock();
    try {
      while (operations() < goal && System.nanoTime() < end) {
        changed.awaitNanos(AGAIN_NANOS / 10);
        check();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends all hosts. */
  void stop() {
    lock.lock();
    try {
      over = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    hosts.forEach(HistoryHost::close);
  }

  @Override
  public void close() {
    stop();
    initiator.close();
  }
}
