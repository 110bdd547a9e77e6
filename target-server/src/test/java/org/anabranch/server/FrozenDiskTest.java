// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The file system of one volume is frozen, as backup agents do it: nobody else notices. Needs root,
 * who may mount a file in a file.
 */
final class FrozenDiskTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { good { path = good.img, size = 4 MiB }, hung { path = frozen/hung.img, size = 4 MiB } }
      targets { "%s" { luns { 0 = good, 1 = hung } } }
      """
          .formatted(TARGET);

  private final Path folder;
  private final Site site;
  private final Path frozen;
  private boolean mounted;

  FrozenDiskTest(@TempDir Path folder) {
    this.folder = folder;
    this.site = new Site(folder);
    this.frozen = folder.resolve("frozen");
  }

  @BeforeEach
  void mount() throws Exception {
    Tools.require("mkfs.ext4", "fsfreeze", "mount");
    Path image = folder.resolve("ext4.img");
    Tools.run(10, "truncate", "-s", "64M", image.toString()).expect(0);
    Tools.run(30, "mkfs.ext4", "-q", image.toString()).expect(0);
    Files.createDirectory(frozen);
    Tools.Result mount = Tools.run(10, "mount", "-o", "loop", image.toString(), frozen.toString());
    if (mount.status() != 0) {
      abort("no file system can be mounted: " + mount.output().strip());
    }
    mounted = true;
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      Tools.run(10, "fsfreeze", "-u", frozen.toString()); // if a test has failed
      Tools.run(10, "umount", frozen.toString()).expect(0);
    }
  }

  private static CompletableFuture<ByteBuffer> write(Disk disk, int block) {
    return disk.write(block, ByteBuffer.allocate(4096));
  }

  @Test
  void nobodyElseIsHeldUpAndWhatWaitedIsAnswered() throws Exception {
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      List<Site.Host> hosts = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        hosts.add(host);
        for (int n = 0; n < 3; n++) { // from now on both disks' writes are taken for quick
          Initiator.await(write(host.disk(0), 8 * i), 30);
          Initiator.await(write(host.disk(1), 8 * i), 30);
        }
      }
      Tools.run(10, "fsfreeze", "-f", frozen.toString()).expect(0);
      List<CompletableFuture<ByteBuffer>> waiting = new ArrayList<>();
      for (Site.Host host : hosts) {
        waiting.add(write(host.disk(1), 0));
      }
      for (int n = 0; n < 20; n++) {
        for (Site.Host host : hosts) {
          Initiator.await(host.disk(0).read(0, 8), 30);
          Initiator.await(write(host.disk(0), 0), 30);
        }
      }
      Disk another = Site.Host.logIn(initiator, server, TARGET).disk(0);
      Initiator.await(write(another, 0), 30);
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
      Tools.run(10, "fsfreeze", "-u", frozen.toString()).expect(0);
      for (CompletableFuture<ByteBuffer> each : waiting) {
        Initiator.await(each, 30);
      }
      assertThat(server.terminate()).isZero();
    }
  }

  /** What is not synced is named. The kernel keeps the process until the file system is thawed. */
  @Test
  void aStopGivesUpWhatHangs() throws Exception {
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      for (int n = 0; n < 3; n++) {
        Initiator.await(write(host.disk(1), 0), 30);
      }
      Tools.run(10, "fsfreeze", "-f", frozen.toString()).expect(0);
      CompletableFuture<ByteBuffer> waiting = write(host.disk(1), 0);
      Initiator.await(host.disk(0).read(0, 8), 30);
      assertThat(waiting).isNotDone();
      long begin = System.nanoTime();
      CompletableFuture<Integer> end = CompletableFuture.supplyAsync(() -> status(server));
      Await.until("the stop gives up", () -> server.errors().contains("stopped, but not all"));
      assertThat(System.nanoTime() - begin).as("ns").isLessThan(20_000_000_000L);
      assertThat(server.errors()).contains("hung: not ");
      Tools.run(10, "fsfreeze", "-u", frozen.toString()).expect(0);
      assertThat(end.get(30, TimeUnit.SECONDS)).isEqualTo(1);
    }
  }

  /** A second signal waits for nothing, neither for initiators nor for the five seconds. */
  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      for (int n = 0; n < 3; n++) {
        Initiator.await(write(host.disk(1), 0), 30);
      }
      Tools.run(10, "fsfreeze", "-f", frozen.toString()).expect(0);
      CompletableFuture<ByteBuffer> waiting = write(host.disk(1), 0);
      Initiator.await(host.disk(0).read(0, 8), 30);
      assertThat(waiting).isNotDone();
      server.process().destroy(); // SIGTERM
      Await.until("it is stopping", () -> server.errors().contains("stopping"));
      long begin = System.nanoTime();
      server.process().destroy();
      Await.until(
          "it ends", () -> server.errors().contains("ended by a second signal, before all was"));
      long nanos = System.nanoTime() - begin;
      assertThat(server.errors()).doesNotContain("stopped, but not all");
      System.out.printf("the second signal took %d ms%n", nanos / 1_000_000);
      Tools.run(10, "fsfreeze", "-u", frozen.toString()).expect(0); // the kernel keeps it till then
      assertThat(server.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(server.process().exitValue()).isEqualTo(1);
    }
  }

  private static int status(ServerProcess server) {
    try {
      return server.terminate();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
