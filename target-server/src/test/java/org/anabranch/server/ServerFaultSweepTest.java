// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.SystemCallFaults.Kind;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every call on a file that a server makes in a {@link FaultScenario} fails, is cut short or hangs,
 * one after the other: on images, stores, and the files of the state directory. First the scenario
 * runs without a fault, and its calls are counted; then it runs once for each fault, each time on a
 * volume of its own. After each fault:
 *
 * <ul>
 *   <li>the initiator was told with sense data that fits, or the administrator with a reason;
 *   <li>another volume was read, written and flushed meanwhile;
 *   <li>all acknowledged writes are read again, at once and after a restart;
 *   <li>what could not be done can be done after the recovery that the documentation names.
 * </ul>
 *
 * A build tries a few faults, which {@code -Danabranch.seed} decides; {@code
 * -Danabranch.faultSweep=all} tries all.
 */
@Timeout(3600)
final class ServerFaultSweepTest {
  private static final boolean ALL = "all".equals(System.getProperty("anabranch.faultSweep"));

  /** Scenarios that a build tries, with a fault each. */
  private static final int SOME = 5;

  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      "volumes { bystander { path = bystander.img, size = 1 MiB } }\n"
          + "targets { \""
          + TARGET
          + "\" { luns { 0 = bystander } } }\n";

  /** A fault. */
  record Fault(Kind kind, int error, int calls, boolean lasting) {
    @Override
    public String toString() {
      return kind + (kind == Kind.ERROR ? " " + error : "") + (lasting ? " from now on" : " once");
    }
  }

  private static final List<Fault> FAULTS =
      List.of(
          new Fault(Kind.ERROR, SystemCallFaults.EIO, SystemCallFaults.FILES, true),
          new Fault(Kind.ERROR, SystemCallFaults.EIO, SystemCallFaults.SYNC, false),
          new Fault(
              Kind.ERROR,
              SystemCallFaults.ENOSPC,
              SystemCallFaults.WRITE | SystemCallFaults.LENGTH | SystemCallFaults.NAME,
              true),
          new Fault(Kind.SHORT, 0, SystemCallFaults.READ | SystemCallFaults.WRITE, true),
          new Fault(Kind.HANG, 0, SystemCallFaults.FILES, true));

  private final long seed = Long.getLong("anabranch.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final Site site;
  private final SystemCallFaults faults;
  private final List<Swept> swept = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();
  private int lun;
  private int tried;
  private int told;
  private int restarts;
  private @Nullable ServerProcess server;
  private @Nullable Initiator initiator;
  private Site.@Nullable Host host;
  private @Nullable Disk bystander;

  /** A volume after its fault. */
  private record Swept(
      FaultScenario scenario,
      String what,
      SweptVolume volume,
      boolean done,
      boolean needsRestart) {}

  ServerFaultSweepTest(@TempDir Path folder) throws Exception {
    site = new Site(folder);
    faults = SystemCallFaults.compile(folder);
  }

  @Test
  void everyCallOnAFileFailsInTurn() throws Exception {
    site.configure(CONFIGURATION);
    try {
      start();
      if (ALL) {
        for (FaultScenario scenario : scenarios()) {
          for (Fault fault : FAULTS) {
            sweep(scenario, fault);
          }
          restart();
        }
      } else {
        List<FaultScenario> shuffled = new ArrayList<>(scenarios());
        Collections.shuffle(shuffled, random);
        for (FaultScenario scenario : shuffled.subList(0, Math.min(SOME, shuffled.size()))) {
          sweep(scenario, FAULTS.get(random.nextInt(FAULTS.size())));
        }
        restart();
      }
      assertThat(Objects.requireNonNull(server).terminate()).as(server.errors()).isZero();
    } finally {
      stop();
    }
    System.out.println(
        "fault sweep, seed "
            + seed
            + ": "
            + tried
            + " faults, "
            + told
            + " told, "
            + restarts
            + " restarts, "
            + wrong.size()
            + " wrong");
    assertThat(wrong).isEmpty();
  }

  private static List<FaultScenario> scenarios() {
    String one = System.getProperty("anabranch.faultScenario");
    return one == null
        ? Arrays.asList(FaultScenario.values())
        : List.of(FaultScenario.valueOf(one));
  }

  private void start() throws Exception {
    server = faults.serve(site);
    initiator = new Initiator(1);
    host =
        Site.Host.logIn(
            Objects.requireNonNull(initiator), server.portal(), SessionOptions.normal(TARGET));
    bystander = host.disk(0);
  }

  private void stop() {
    faults.disarm();
    if (initiator != null) {
      initiator.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private void sweep(FaultScenario scenario, Fault fault) throws Exception {
    long calls = count(scenario, fault.calls());
    int most = Integer.getInteger("anabranch.faultsEach", ALL ? Integer.MAX_VALUE : 1);
    if (calls <= most) {
      for (long number = 0; number < calls; number++) {
        one(scenario, fault, number);
      }
    } else {
      for (int i = 0; i < most; i++) {
        one(scenario, fault, random.nextLong(calls));
      }
    }
  }

  private SweptVolume volume(FaultScenario scenario) throws Exception {
    SweptVolume volume = SweptVolume.make(site, Objects.requireNonNull(host), TARGET, ++lun);
    scenario.prepare(volume);
    return volume;
  }

  private void arm(Fault fault, Kind kind, long number) {
    faults.arm(
        kind,
        fault.error(),
        fault.calls(),
        number,
        fault.lasting(),
        site.folder + "/",
        "bystander");
  }

  private long count(FaultScenario scenario, int calls) throws Exception {
    SweptVolume volume = volume(scenario);
    arm(new Fault(Kind.COUNT_ONLY, 0, calls, false), Kind.COUNT_ONLY, 0);
    scenario.run(volume);
    faults.disarm();
    assertThat(volume.failure()).as("%s without a fault", scenario).isNull();
    swept.add(new Swept(scenario, scenario + " without a fault", volume, true, false));
    return faults.count();
  }

  /** One fault; what is wrong is noted, and the sweep goes on with a fresh server. */
  private void one(FaultScenario scenario, Fault fault, long number) throws Exception {
    String what = scenario + ", " + fault + ", call " + number;
    SweptVolume volume = volume(scenario);
    tried++;
    arm(fault, fault.kind(), number);
    try {
      String refusal = run(scenario, fault, volume);
      what +=
          " ("
              + faults.hitCall()
              + " of "
              + site.folder.relativize(Path.of("/" + faults.hitPath()).normalize())
              + ")";
      boolean syncFailed =
          faults.hits() > 0
              && fault.kind() == Kind.ERROR
              && (faults.hitCall() == SystemCallFaults.SYNC
                  || faults.hitCall() == SystemCallFaults.WRITE); // one that is durable at once
      faults.disarm();
      told += refusal != null || volume.failure() != null ? 1 : 0;
      if (fault.kind() == Kind.HANG || fault.kind() == Kind.SHORT) {
        assertThat(refusal).as("a call that only takes longer").isNull();
        assertThat(volume.failure()).as("a call that only takes longer").isNull();
      }
      if (faults.hitPath().endsWith(".cow")
          && scenario == FaultScenario.FIRST_WRITE_AFTER_SNAPSHOT) {
        assertThat(volume.failure()).as("a store's fault reached the initiator").isNull();
      }
      boolean fsync = syncFailed && faults.hitCall() == SystemCallFaults.SYNC;
      if (fsync && faults.hitPath().endsWith(volume.name + ".img")) {
        assertThat(warnings()).as("status").contains(volume.name + ".img").contains("sync failed");
      }
      boolean done = refusal == null || scenario.isDone(volume);
      if (volume.failure() == null || !syncFailed) {
        volume.verify(volume.disk());
      }
      if (!syncFailed) {
        volume.forgetFailure();
        done = done || again(scenario, volume);
      }
      swept.add(new Swept(scenario, what, volume, done, syncFailed));
    } catch (Exception | AssertionError e) {
      faults.disarm();
      note(what, e);
      swept.clear();
      stop();
      start();
    }
  }

  /**
   * Does it once more, now that nothing fails. What a rollback lost because its store is invalid
   * stays lost; that is said, and the volume can be used.
   */
  private boolean again(FaultScenario scenario, SweptVolume volume) throws Exception {
    if (scenario == FaultScenario.MERGE || scenario == FaultScenario.MERGE_KEEP) {
      // What has nothing left is recorded by itself, at most a second later.
      Await.until("recorded", () -> !warnings().contains("cannot be recorded"));
    }
    try {
      scenario.run(volume);
    } catch (RefusedException e) {
      if (!scenario.isDone(volume)) {
        assertThat(e.getMessage()).as("once more").contains("invalid");
        return false;
      }
    }
    assertThat(volume.failure()).as("once more").isNull();
    volume.verify(volume.disk());
    return true;
  }

  private void note(String what, Throwable e) throws Exception {
    String log = Objects.requireNonNull(server).errors();
    wrong.add(what + ": " + e.getMessage());
    System.out.println("WRONG " + what + ": " + e);
    if (Boolean.getBoolean("anabranch.faultLog")) {
      Arrays.stream(e.getStackTrace()).forEach(System.out::println);
      System.out.println(log.substring(Math.max(0, log.length() - 6000)));
    }
  }

  /** Runs it; the reason if it was refused. The bystander is used meanwhile. */
  private @Nullable String run(FaultScenario scenario, Fault fault, SweptVolume volume)
      throws Exception {
    CompletableFuture<@Nullable String> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            scenario.run(volume);
            end.complete(null);
          } catch (RefusedException e) {
            end.complete(String.valueOf(e.getMessage()));
          } catch (Throwable e) {
            end.completeExceptionally(e);
          }
        });
    if (fault.kind() == Kind.HANG) {
      try {
        Await.until(Duration.ofSeconds(20), "the fault", () -> faults.hits() > 0 || end.isDone());
        useBystander();
        site.ask("status", Map.of());
      } finally {
        faults.disarm();
      }
    } else {
      useBystander();
    }
    String refusal = end.get(15, TimeUnit.SECONDS);
    if (refusal != null) {
      assertThat(refusal)
          .as("the reason")
          .doesNotContain("Exception")
          .doesNotContain("null")
          .isNotBlank();
    }
    return refusal;
  }

  private void useBystander() throws Exception {
    Disk disk = Objects.requireNonNull(bystander);
    ByteBuffer block = ByteBuffer.allocate(4096);
    while (block.hasRemaining()) {
      block.put((byte) tried);
    }
    Initiator.await(disk.write(8, block.flip()), 30);
    Initiator.await(disk.flush(), 30);
    ByteBuffer read = Initiator.await(disk.read(8, 8), 30).rewind();
    assertThat(read).as("the other volume").isEqualTo(block.rewind());
  }

  private String warnings() throws Exception {
    return String.valueOf(site.ask("status", Map.of()).get("warnings"));
  }

  /** As the documentation has it after a failed sync; then all is compared, and done again. */
  private void restart() throws Exception {
    List<Swept> before = List.copyOf(swept);
    swept.clear();
    restarts++;
    Objects.requireNonNull(server).terminate();
    stop();
    start();
    for (Swept each : before) {
      try {
        afterRestart(each);
      } catch (Exception | AssertionError e) {
        note("after a restart: " + each.what(), e);
      }
    }
  }

  private void afterRestart(Swept each) throws Exception {
    SweptVolume volume = each.volume();
    String all = site.ask("status", Map.of()).toString();
    assertThat(all).as("left out").doesNotContain("volume " + volume.name + ":");
    volume.reopen(Objects.requireNonNull(host));
    volume.verify(volume.disk());
    if (!each.done() || each.needsRestart()) {
      again(each.scenario(), volume);
    }
  }
}
