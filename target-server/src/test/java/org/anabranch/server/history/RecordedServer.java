// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.initiator.history.ServedDisks;
import org.anabranch.server.Site;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hosts of a server that comes and goes, and where it is now. Started and stopped by one
 * thread; hosts wait while there is no server. Where several servers share the disks, each host
 * looks for the one that is ready.
 */
final class RecordedServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RecordedServer.class);
  private static final long PATIENCE = 60;
  private static final Duration LOGIN_TIMEOUT = Duration.ofSeconds(20);

  /** The same for one of several servers, which may stand still. */
  private static final Duration PATH_TIMEOUT = Duration.ofSeconds(2);

  /** A host whose login failed tries again after this, or when there is another server. */
  private static final long AGAIN_NANOS = 20_000_000;

  final Recorder recorder;
  final ServedDisks served = new ServedDisks();
  private final Initiator initiator = new Initiator(1);
  private final List<HistoryHost> hosts = new ArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private List<String> portals = List.of(); // guarded by lock; empty: no server
  private List<String> paused = List.of(); // of the thread that starts and stops servers
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
    AtomicInteger turn = new AtomicInteger();
    HistoryHost host =
        new HistoryHost(recorder, served, target, writer, () -> connect(options, turn));
    hosts.add(host);
    return host;
  }

  /** The server is ready at this portal; null: it is gone. */
  void at(@Nullable String newPortal) {
    atOneOf(newPortal == null ? List.of() : List.of(newPortal));
  }

  /** The servers that share the disks have these portals; none: they are gone. */
  void atOneOf(List<String> newPortals) {
    lock.lock();
    try {
      portals = newPortals;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Session connect(SessionOptions options, AtomicInteger turn)
      throws InterruptedException {
    for (; ; turn.incrementAndGet()) {
      List<String> all;
      lock.lock();
      try {
        while (portals.isEmpty() && !over) {
          changed.await();
        }
        if (over) {
          return null;
        }
        all = portals;
      } finally {
        lock.unlock();
      }
      try {
        InetSocketAddress at = Site.address(all.get(turn.get() % all.size()));
        boolean isChoice = all.size() > 1;
        SessionOptions how = isChoice ? options.timeout(PATH_TIMEOUT) : options;
        Session session = Initiator.await(initiator.login(at, how), PATIENCE);
        if (!isChoice || isReady(session)) {
          turn.incrementAndGet(); // another path next time
          return session;
        }
        session.close();
      } catch (IOException e) {
        LOG.debug("a host cannot log in", e);
      }
      awaitOthers(all);
    }
  }

  /** Whether the server has the disks, and is no standby. */
  private static boolean isReady(Session session) throws InterruptedException {
    try {
      for (int lun = 0; lun < RecordedVolumes.VOLUMES.size(); lun++) {
        Disk disk = new Disk(session, lun, 0, 512, 4096, true, "");
        Initiator.await(disk.in(new byte[6], 0), PATIENCE); // TEST UNIT READY
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void awaitOthers(List<String> portalsBefore) throws InterruptedException {
    lock.lock();
    try {
      long left = AGAIN_NANOS;
      while (portalsBefore.equals(portals) && !over && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The server's process is dead, and every answer that it gave is recorded. */
  void died(Event how) throws InterruptedException {
    atOneOf(List.of());
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
      paused = portals;
    } finally {
      lock.unlock();
    }
    atOneOf(List.of());
    for (HistoryHost host : hosts) {
      host.logOut();
      host.awaitQuiet();
    }
  }

  void carryOn() {
    atOneOf(paused);
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
