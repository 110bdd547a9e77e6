// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.history.FailoverPlan.Fault;
import org.anabranch.server.history.FailoverPlan.Moment;
import org.anabranch.server.history.FailoverPlan.Strike;
import org.jspecify.annotations.Nullable;

/**
 * Two servers and two RBD images that both can serve. Hosts write, read and flush without a break,
 * and look for the path that works by themselves, while the active server is stopped, killed, or
 * loses the images to the other one, at random moments, also in the middle of a change. The one
 * that was stopped wakes under the load. A {@link ReservedVolume} is reserved all the time. The
 * {@link org.anabranch.initiator.history.Checker} judges every read. {@code test-lab/failover} runs
 * it.
 */
public final class Failovers {
  private static final int BYTES = 2 << 20;
  private static final int HOSTS = 2;
  private static final int LANES = 4;
  private static final long PATIENCE_SECONDS = 90;

  /** How long a host waits for the answer to a ping, and for the next one. */
  private static final Duration PING = Duration.ofMillis(1500);

  private static final long PING_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  /** So that a rollback has something to copy. */
  private static final int OPERATIONS_BEFORE_MERGE = 200;

  private final Path folder;
  private final String configuration;
  private final long seed;
  private final SplittableRandom random;
  private final Map<Fault, List<Long>> nanos = new EnumMap<>(Fault.class);
  private final FailoverPlan plan;
  private final List<HistoryHost> writers = new ArrayList<>();
  private volatile boolean isOver;

  /**
   * Not running yet.
   *
   * @param conf the configuration of the Ceph cluster
   * @param plan the name of a {@link FailoverPlan}
   */
  Failovers(Path folder, Path conf, int times, long seed, String plan) {
    this.folder = folder;
    this.seed = seed;
    this.random = new SplittableRandom(seed);
    this.plan = FailoverPlan.of(plan, times, random.split());
    String images = "h" + Long.toString(System.nanoTime(), Character.MAX_RADIX);
    this.configuration =
        "ceph.conf = \""
            + conf
            + "\"\n"
            + (this.plan.isChanging() ? "stores.pool = rbd\n" : "")
            + RecordedVolumes.configuration(
                BYTES, Map.of(), volume -> "rbd = \"rbd/" + images + volume + "\"")
            + ReservedVolume.configuration("rbd = \"rbd/" + images + "reserved\"");
  }

  /** Arguments: folder, the cluster's configuration, how often, seed, the plan. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
    System.out.println(
        new Failovers(
                folder,
                Path.of(arguments[1]),
                Integer.parseInt(arguments[2]),
                Long.parseLong(arguments[3]),
                arguments[4])
            .run());
  }

  /** A server of its own. */
  private final class Gateway implements AutoCloseable {
    final Site site;
    private @Nullable ServerProcess process;

    Gateway(String name) throws Exception {
      site = new Site(Files.createDirectories(folder.resolve(name)));
    }

    void start() throws Exception {
      process = site.serve(configuration);
    }

    ServerProcess process() {
      return Objects.requireNonNull(process);
    }

    /** Whether all volumes are in that state. */
    boolean is(String state) throws RefusedException {
      Object volumes = Objects.requireNonNull(site.ask("status", Map.of()).get("volumes"));
      return ((List<?>) volumes)
          .stream().allMatch(each -> state.equals(((Map<?, ?>) each).get("state")));
    }

    void takeOver() throws RefusedException {
      for (String volume : RecordedVolumes.VOLUMES) {
        site.ask("volume take-over", Map.of("volume", volume));
      }
      site.ask("volume take-over", Map.of("volume", ReservedVolume.name()));
    }

    @Override
    public void close() {
      if (process != null) {
        process.close();
      }
    }
  }

  /** Runs it; what was done, in words. */
  String run() throws Exception {
    Path log = folder.resolve("history.log");
    try (Gateway first = new Gateway("a");
        Gateway second = new Gateway("b");
        Recorder recorder = new Recorder(log, false);
        RecordedServer hosts = new RecordedServer(recorder);
        ReservedVolume reserved = new ReservedVolume()) {
      recorder.happened(new Event.Note("failovers, seed " + seed));
      first.start();
      second.start();
      reserved.reserve(first.process());
      RecordedVolumes volumes = new RecordedVolumes(hosts, first.site, BYTES, Map.of());
      RandomChanges changes = new RandomChanges(volumes, random.split());
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET).expectErrors();
      for (int i = 0; i < HOSTS; i++) {
        HistoryHost host = hosts.host(RecordedVolumes.TARGET).expectErrors();
        writers.add(host);
        host.start(LANES, random.split());
        Thread.ofPlatform().daemon().name("path of a host").start(() -> watch(host));
      }
      Gateway active = first;
      Gateway other = second;
      while (!plan.isOver()) {
        hosts.atOneOf(List.of(active.process().portal(), other.process().portal()));
        hosts.awaitOperations(50);
        // Else the first write of a new session at the active server would count as one by the
        // other.
        Await.until(
            "all hosts write", () -> writers.stream().allMatch(each -> each.firstWrite() != 0));
        fail(hosts, volumes, changes, active, other);
        reserved.check(other.process());
        volumes.at(other.site);
        volumes.settle();
        sweep(hosts, reader);
        Gateway former = active;
        Await.until("the former server stands by", () -> former.is("standby"));
        sweep(hosts, reader);
        active = other;
        other = former;
      }
      hosts.stop();
      hosts.check();
      isOver = true;
      return result(hosts, recorder);
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "seed " + seed + ", history " + log + ": " + e.getMessage() + "\n" + plan.table(), e);
    }
  }

  /** Reads everything, by whichever path works: a server that woke just now may say it is ready. */
  private static void sweep(RecordedServer hosts, HistoryHost reader) throws Exception {
    Await.until(
        "all is read",
        () -> {
          reader.cut();
          try {
            reader.sweep();
            return true;
          } catch (IOException e) {
            return false;
          }
        });
    hosts.check();
  }

  /** What a host's path checker does: a session that does not answer is given up. */
  private void watch(HistoryHost host) {
    try {
      while (!isOver) {
        if (!host.answers(PING)) {
          host.cut();
        }
        LockSupport.parkNanos(PING_EVERY_NANOS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One fault, until hosts write by the other server, and the former one is back. */
  private void fail(
      RecordedServer hosts,
      RecordedVolumes volumes,
      RandomChanges changes,
      Gateway active,
      Gateway other)
      throws Exception {
    Strike strike = plan.next();
    Fault fault = strike.fault();
    CompletableFuture<Void> performed = begin(strike.moment(), hosts, changes);
    boolean hit =
        switch (strike.moment()) {
          case WRITES -> true;
          case FIRST_WRITES -> volumes.isCopying();
          case CREATE, REMOVE -> !performed.isDone();
          case MERGE -> !performed.isDone() || volumes.isMerging();
        };
    volumes.dead(); // what the active server answers from now on counts as not answered
    plan.struck(strike, hit);
    long begin = System.nanoTime();
    switch (fault) {
      case STOP -> Signals.stop(active.process().process());
      case KILL -> active.process().close();
      case TAKE_OVER -> other.takeOver();
    }
    try {
      for (HistoryHost host : writers) {
        awaitWrite(hosts, host, begin, fault);
      }
      Await.until("the other server has all volumes", () -> other.is("served"));
      LockSupport.parkNanos(random.nextLong(1_500_000_000L));
    } finally {
      if (fault == Fault.STOP) {
        Signals.carryOn(active.process().process());
      }
    }
    performed.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (fault == Fault.KILL) {
      active.start();
      hosts.atOneOf(List.of(other.process().portal(), active.process().portal()));
    }
  }

  /** Begins what is to be under way, and waits until some moment of it. */
  private CompletableFuture<Void> begin(Moment moment, RecordedServer hosts, RandomChanges changes)
      throws Exception {
    switch (moment) {
      case WRITES -> LockSupport.parkNanos(random.nextLong(300_000_000L));
      case FIRST_WRITES -> {
        changes.prepare(Change.CREATE);
        changes.perform(Change.CREATE);
        LockSupport.parkNanos(random.nextLong(200_000_000L));
      }
      case CREATE -> {
        return begin(Change.CREATE, changes, 0);
      }
      case MERGE -> {
        changes.prepare(Change.MERGE);
        hosts.awaitOperations(OPERATIONS_BEFORE_MERGE);
        return begin(Change.MERGE, changes, random.nextLong(200_000_000L));
      }
      case REMOVE -> {
        return begin(Change.REMOVE, changes, 0);
      }
    }
    return CompletableFuture.completedFuture(null);
  }

  private static CompletableFuture<Void> begin(Change change, RandomChanges changes, long more)
      throws Exception {
    changes.prepare(change);
    long delay = changes.delayInto(change) + more;
    CountDownLatch asked = new CountDownLatch(1);
    CompletableFuture<Void> performed =
        CompletableFuture.runAsync(() -> {
          asked.countDown();
          perform(changes, change);
        });
    asked.await();
    LockSupport.parkNanos(delay);
    return performed;
  }

  /** Waits for the first write of a session that the host began after the fault. */
  private void awaitWrite(RecordedServer hosts, HistoryHost host, long begin, Fault fault) {
    long end = begin + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (host.firstWrite() - begin <= 0 || host.firstWrite() == 0) {
      hosts.check();
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("no write for " + PATIENCE_SECONDS + " s after " + fault);
      }
      LockSupport.parkNanos(2_000_000);
    }
    nanos.computeIfAbsent(fault, each -> new ArrayList<>()).add(host.firstWrite() - begin);
  }

  /** Whatever its end is: the other server's lists tell whether it was done. */
  private static void perform(RandomChanges changes, Change aim) {
    try {
      changes.perform(aim);
    } catch (RefusedException e) {
      // it lost its server
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private String result(RecordedServer hosts, Recorder recorder) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format("failover: seed %d, %d failovers%n%s", seed, plan.strikes(), plan.table()));
    nanos.forEach((fault, taken) -> {
      Collections.sort(taken);
      text.append(
          String.format(
              "  %-9s %3d   first acknowledged write of a host after %.2f s (median), %.2f s"
                  + " (worst)%n",
              FailoverPlan.words(fault),
              taken.size() / HOSTS,
              taken.get(taken.size() / 2) / 1e9,
              taken.getLast() / 1e9));
    });
    return text
        + String.format(
            "nothing lost: %d operations, %d events, %d logins",
            hosts.operations(),
            recorder.events(),
            hosts.hosts().stream().mapToLong(HistoryHost::reconnects).sum());
  }
}
