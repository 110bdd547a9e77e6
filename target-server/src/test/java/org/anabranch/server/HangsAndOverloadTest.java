// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.server.SystemCallFaults.Kind;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real server whose system calls hang or find no threads, and one with far more commands than its
 * disk can do: what stands still, and what goes on.
 */
@Timeout(180)
final class HangsAndOverloadTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      "volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }\n"
          + "devices { slow = \"0 2048 delay vm2 0 20\" }\n"
          + "targets { \""
          + TARGET
          + "\" { luns { 0 = vm1, 1 = vm2, 2 = slow } } }\n";

  /** Nothing but the hanging command may take longer, in seconds. */
  private static final int SOON = 5;

  /**
   * Task management is answered within this time: a second, and another one for what a busy machine
   * does meanwhile.
   */
  private static final long AT_MOST_NANOS = 2_000_000_000L;

  private static final int SESSIONS = 64;
  private static final int DEPTH = 256;

  @TempDir private Path folder;

  private static ByteBuffer filled(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static void use(Disk disk, int value) throws Exception {
    Initiator.await(disk.write(0, filled(value)), SOON);
    Initiator.await(disk.flush(), SOON);
    assertThat(Initiator.await(disk.read(0, 8), SOON).rewind()).isEqualTo(filled(value));
  }

  @Test
  void abortsAndResetsAreAnsweredWhileAWriteHangsInTheKernel() throws Exception {
    SystemCallFaults faults = SystemCallFaults.compile(folder);
    Site site = new Site(folder);
    site.configure(CONFIGURATION);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = faults.serve(site)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk hangs = host.disk(0);
      Disk other = host.disk(1);
      use(hangs, 1);
      faults.arm(
          Kind.HANG, 0, SystemCallFaults.WRITE | SystemCallFaults.SYNC, 0, true, "vm1.img", "");
      PendingCommand write =
          host.session().start(Command.out(hangs.lunField(), Cdb.write(8, 8, true), filled(2)));
      Await.until("the write hangs", () -> faults.hits() > 0);
      long begin = System.nanoTime();
      assertThat(Initiator.await(host.session().abort(write), SOON))
          .isIn(TaskManagement.COMPLETE, TaskManagement.TASK_DOES_NOT_EXIST);
      long abort = System.nanoTime() - begin;
      host.session().start(Command.out(hangs.lunField(), Cdb.write(16, 8, true), filled(3)));
      begin = System.nanoTime();
      assertThat(
              Initiator.await(
                  host.session().manage(TaskManagement.LOGICAL_UNIT_RESET, hangs.lunField()), SOON))
          .isEqualTo(TaskManagement.COMPLETE);
      long reset = System.nanoTime() - begin;
      use(other, 4);
      Initiator.await(host.session().ping(new byte[8]), SOON);
      assertThat(site.ask("status", Map.of())).isNotEmpty();
      System.out.printf(
          "beside a hanging write: abort %d ms, reset %d ms%n",
          abort / 1_000_000, reset / 1_000_000);
      assertThat(abort).as("ns").isLessThan(AT_MOST_NANOS);
      assertThat(reset).as("ns").isLessThan(AT_MOST_NANOS);
      faults.disarm();
      use(host.disk(0), 5);
      assertThat(server.terminate()).as(server.errors()).isZero();
    } finally {
      faults.disarm();
    }
  }

  /**
   * The first write that fails is a warning, which ends when its place has been written after all.
   */
  @Test
  void aWriteThatFailsIsAWarningUntilItsPlaceIsWritten() throws Exception {
    SystemCallFaults faults = SystemCallFaults.compile(folder);
    Site site = new Site(folder);
    site.configure(CONFIGURATION);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = faults.serve(site)) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      use(disk, 1);
      assertThat(warnings(site)).doesNotContain("failed since");
      faults.arm(Kind.ERROR, SystemCallFaults.EIO, SystemCallFaults.WRITE, 0, true, "vm1.img", "");
      CompletableFuture<ByteBuffer> write = disk.write(0, filled(2));
      assertThat(write).failsWithin(Duration.ofSeconds(SOON));
      assertThat(warnings(site)).contains("vm1.img").contains("1 write has failed since 20");
      faults.disarm();
      Initiator.await(disk.write(8, filled(3)), SOON);
      assertThat(warnings(site)).contains("1 write has failed since 20");
      use(disk, 4);
      assertThat(warnings(site)).doesNotContain("failed since");
      assertThat(server.terminate()).as(server.errors()).isZero();
    } finally {
      faults.disarm();
    }
  }

  private static String warnings(Site site) throws Exception {
    return String.valueOf(site.ask("status", Map.of()).get("warnings"));
  }

  @Test
  void afterATimeWithoutThreadsAllIsAsBefore() throws Exception {
    SystemCallFaults faults = SystemCallFaults.compile(folder);
    Site site = new Site(folder);
    site.configure(CONFIGURATION);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = faults.serve(site)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      use(disk, 1);
      faults.arm(Kind.ERROR, SystemCallFaults.EAGAIN, SystemCallFaults.THREAD, 0, true, "", "");
      for (int round = 0; round < 5; round++) {
        List<CompletableFuture<ByteBuffer>> writes = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          writes.add(disk.writeThrough(8L * i, filled(2)));
        }
        writes.add(disk.flush());
        for (CompletableFuture<ByteBuffer> each : writes) {
          try {
            Initiator.await(each, SOON);
          } catch (ScsiException e) {
            assertThat(e.response().sense()).as(e.getMessage()).isNotNull();
          }
        }
        try {
          site.ask("status", Map.of());
        } catch (RefusedException e) {
          assertThat(e.getMessage()).isNotBlank();
        }
      }
      assertThat(faults.hits()).as("threads that were refused").isPositive();
      faults.disarm();
      use(disk, 3);
      use(Site.Host.logIn(initiator, server, TARGET).disk(1), 4);
      assertThat(site.ask("status", Map.of())).isNotEmpty();
      assertThat(server.terminate()).as(server.errors()).isZero();
    } finally {
      faults.disarm();
    }
  }

  /**
   * Far more than the delay of 20 ms lets through; sessions share it, and pings are not behind it.
   */
  @Test
  void manySessionsShareASlowDiskAndPingsPass() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator(2);
        ServerProcess server = site.serve(CONFIGURATION)) {
      List<Session> sessions = new ArrayList<>();
      List<AtomicLong> done = new ArrayList<>();
      for (int i = 0; i < SESSIONS; i++) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        host.disk(2); // takes the unit attentions
        sessions.add(host.session());
        done.add(new AtomicLong());
      }
      AtomicBoolean over = new AtomicBoolean();
      for (int i = 0; i < SESSIONS; i++) {
        for (int k = 0; k < DEPTH; k++) {
          again(sessions.get(i), done.get(i), over);
        }
      }
      Await.until("all have begun", () -> done.stream().allMatch(each -> each.get() >= 16));
      long[] before = done.stream().mapToLong(AtomicLong::get).toArray();
      long slowest = 0;
      for (int round = 0; round < 10; round++) {
        long begin = System.nanoTime();
        Initiator.await(sessions.get(round * 6).ping(new byte[8]), SOON);
        assertThat(
                Initiator.await(
                    sessions.get(round * 6).manage(TaskManagement.LOGICAL_UNIT_RESET, 0), SOON))
            .isEqualTo(TaskManagement.COMPLETE);
        slowest = Math.max(slowest, System.nanoTime() - begin);
        Await.until(
            "more is done", () -> done.stream().mapToLong(AtomicLong::get).sum() > sum(before));
      }
      long least = Long.MAX_VALUE;
      long most = 0;
      for (AtomicLong each : done) {
        least = Math.min(least, each.get());
        most = Math.max(most, each.get());
      }
      over.set(true);
      System.out.printf(
          "%d sessions, %d commands each on a disk of 20 ms: %d to %d done by each; ping and reset"
              + " of another unit at most %d ms%n",
          SESSIONS, DEPTH, least, most, slowest / 1_000_000);
      assertThat(least).isPositive();
      assertThat(most).as("beside %d", least).isLessThanOrEqualTo(16 * least);
    }
  }

  private static long sum(long... values) {
    return Arrays.stream(values).sum();
  }

  private static void again(Session session, AtomicLong done, AtomicBoolean over) {
    var _ =
        session
            .submit(Command.in(Command.flatLun(2), Cdb.read(0, 8), 4096))
            .whenComplete((response, failure) -> {
              if (response != null && !over.get()) {
                done.incrementAndGet();
                again(session, done, over);
              }
            });
  }
}
