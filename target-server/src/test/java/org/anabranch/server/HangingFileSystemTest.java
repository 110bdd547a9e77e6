// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.server.HangingBacking.Kind;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * While the file system of one volume hangs, everything is answered that does not concern it: other
 * volumes, pings, task management, logins, control commands, metrics.
 */
@Timeout(120)
@TakesLong
final class HangingFileSystemTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final int HOSTS = 4;
  private static final int WRITE = 64 << 10;

  /** A limit for each answer, on a machine that may have much to do. */
  private static final long LIMIT_MILLIS = 10_000;

  @TempDir private Path folder;

  private final Map<String, Long> took = new LinkedHashMap<>();

  /** Fails unless the call returns within the limit. */
  private void answered(String what, Callable<?> call) throws Exception {
    ExecutorService thread =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon()::unstarted);
    long begin = System.nanoTime();
    try {
      var _ = thread.submit(call).get(LIMIT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError(what + " is not answered; so far " + took, e);
    } finally {
      thread.shutdownNow();
    }
    took.merge(what, (System.nanoTime() - begin) / 1_000_000, Math::max);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void everythingElseIsAnswered(Kind kind) throws Exception {
    HangingBacking backing = new HangingBacking(kind, folder);
    try {
      everythingElseIsAnswered(kind, backing);
    } finally {
      backing.close();
    }
  }

  private void everythingElseIsAnswered(Kind kind, HangingBacking backing) throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(configuration(backing))) {
      try {
        whileItHangs(kind, backing, site, initiator, server);
      } finally {
        backing.thaw(); // the kernel keeps a process that waits for it
      }
      Disk again = Site.Host.logIn(initiator, server, TARGET).disk(1);
      Initiator.await(write(again, 0), 30);
      Initiator.await(again.flush(), 30);
      assertThat(server.terminate()).as(server.errors()).isZero();
    }
  }

  private void whileItHangs(
      Kind kind, HangingBacking backing, Site site, Initiator initiator, ServerProcess server)
      throws Exception {
    List<Site.Host> hosts = new ArrayList<>();
    for (int i = 0; i < HOSTS; i++) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      hosts.add(host);
      for (int n = 0; n < 3; n++) { // from now on both disks' writes are taken for quick
        Initiator.await(write(host.disk(0), 0), 30);
        Initiator.await(write(host.disk(1), 0), 30);
      }
    }
    site.ask("snapshot create", Map.of("names", List.of("good@before")));
    backing.hang();
    List<CompletableFuture<ByteBuffer>> waiting = new ArrayList<>();
    for (int i = 0; i < 60; i++) { // more than a journal can take
      waiting.add(write(hosts.get(i % HOSTS).disk(1), i * (WRITE / 512)));
    }
    for (int round = 0; round < 2; round++) {
      for (Site.Host host : hosts) {
        answered("read of another volume", () -> Initiator.await(host.disk(0).read(0, 8), 30));
        answered("write to another volume", () -> Initiator.await(write(host.disk(0), 0), 30));
        answered("ping", () -> Initiator.await(host.session().ping(new byte[8]), 30));
      }
      answered("login", () -> Site.Host.logIn(initiator, server, TARGET).luns());
      for (String verb :
          List.of("status", "volume list", "snapshot list", "session list", "stats")) {
        answered(verb, () -> site.ask(verb, Map.of()));
      }
      answered("dm status", () -> site.dm("status", "good"));
      answered("metrics", () -> Site.metrics(server));
    }
    assertThat(waiting).as("not all of them can be done").anyMatch(write -> !write.isDone());
    answered(
        "snapshot create",
        () -> site.ask("snapshot create", Map.of("names", List.of("good@beside"))));
    taskManagement(hosts.getFirst());
    System.out.printf("%s, ms at most: %s%n", kind, took);
  }

  private void taskManagement(Site.Host host) throws Exception {
    Disk hangs = host.disk(1);
    PendingCommand write =
        host.session()
            .start(Command.out(hangs.lunField(), Cdb.write(8, 8, true), ByteBuffer.allocate(4096)));
    answered(
        "abort",
        () ->
            assertThat(Initiator.await(host.session().abort(write), 30))
                .isIn(TaskManagement.COMPLETE, TaskManagement.TASK_DOES_NOT_EXIST));
    for (Disk disk : List.of(hangs, host.disk(0))) {
      answered(
          "reset",
          () ->
              assertThat(
                      Initiator.await(
                          host.session().manage(TaskManagement.LOGICAL_UNIT_RESET, disk.lunField()),
                          30))
                  .isEqualTo(TaskManagement.COMPLETE));
    }
    answered("read after a reset", () -> Initiator.await(host.disk(0).read(0, 8), 30));
  }

  private static String configuration(HangingBacking backing) throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    return """
    http { listen = "127.0.0.1:%d" }
    volumes { good { path = good.img, size = 4 MiB }, hung { path = "%s", size = 4 MiB } }
    targets { "%s" { luns { 0 = good, 1 = hung } } }
    """
        .formatted(port, backing.image(), TARGET);
  }

  private static CompletableFuture<ByteBuffer> write(Disk disk, int block) {
    return disk.write(block, ByteBuffer.allocate(WRITE));
  }
}
