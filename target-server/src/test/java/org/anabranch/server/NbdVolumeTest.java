// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Volumes on exports of other people's NBD servers. */
final class NbdVolumeTest extends RemoteVolumeTest {
  private static final int BYTES = 8 << 20;
  private static final ExecutorService STARTER =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("starter").unstarted(task));

  private final List<Process> servers = new ArrayList<>();

  @AfterEach
  void endServers() throws Exception {
    stop();
    for (Process each : servers) {
      each.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    }
  }

  private Path socket() {
    return folder.resolve("nbd.sock");
  }

  private String uri() {
    return "nbd+unix:///disk?socket=" + socket();
  }

  /**
   * Starts a program by a thread that outlives the test: nbdkit ends with the thread it is from.
   */
  private Process start(String... command) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("nbd.log").toFile());
    Process process = STARTER.submit(builder::start).get(30, TimeUnit.SECONDS);
    servers.add(process);
    return process;
  }

  /** Starts a program that listens at the socket. */
  private Process listen(String... command) throws Exception {
    Files.deleteIfExists(socket());
    Process process = start(command);
    Await.until("it listens", () -> Files.exists(socket()) || hasEnded(process));
    return process;
  }

  private boolean hasEnded(Process process) throws IOException {
    if (process.isAlive()) {
      return false;
    }
    throw new AssertionError(
        "it ended with "
            + process.exitValue()
            + ": "
            + Files.readString(folder.resolve("nbd.log")));
  }

  private Process qemuNbd() throws Exception {
    return listen(
        "qemu-nbd",
        "-t",
        "--shared=0",
        "-x",
        "disk",
        "-f",
        "qcow2",
        "--discard=unmap",
        "-k",
        socket().toString(),
        folder.resolve("disk.qcow2").toString());
  }

  private Process nbdkit(String... rest) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("nbdkit", "-f", "-e", "disk", "-U", socket().toString()));
    command.addAll(List.of(rest));
    return listen(command.toArray(String[]::new));
  }

  private void serve(String volume) throws Exception {
    serve("", volume);
  }

  @Test
  void aQcow2FileIsAVolumeWithSnapshotsAndRollsBack() throws Exception {
    Tools.require("qemu-nbd", "qemu-img", "qemu-io");
    Path image = folder.resolve("disk.qcow2");
    Tools.run(60, "qemu-img", "create", "-f", "qcow2", image.toString(), "" + BYTES).expect(0);
    Process first = qemuNbd();
    serve("nbd = \"" + uri() + "\"");
    Disk disk = disk(0);
    assertThat(disk.bytes()).isEqualTo(BYTES);
    write(disk, 0, 4096, 1);
    write(disk, 100, 8, 2);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    write(disk, 0, 256, 3);
    Initiator.await(disk.unmap(512, 64), 60);
    reads(disk, 0, 256, 3);
    first.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    CompletableFuture<?> waits = disk.write(1000, blocks(8, 4));
    Await.until("it is told", () -> warnings().contains("no connection for"));
    assertThat(warnings()).contains("NBD export " + uri()).contains("start its server again");
    assertThat(waits).isNotDone();
    write(disk(1), 0, 8, 9);
    qemuNbd();
    waits.get(60, TimeUnit.SECONDS);
    reads(disk, 0, 256, 3);
    reads(disk, 1000, 8, 4);
    Await.until("all is well", () -> !warnings().contains("NBD export"));
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    reads(disk, 0, 100, 1);
    reads(disk, 100, 8, 2);
    reads(disk, 108, 3988, 1);
    Initiator.await(disk.flush(), 60);
    stop();
    servers.getLast().destroy();
    servers.getLast().waitFor(30, TimeUnit.SECONDS);
    String contents =
        Tools.run(
                60,
                "qemu-io",
                "-c",
                "read -P 1 0 51200",
                "-c",
                "read -P 2 51200 4096",
                "-c",
                "read -P 1 55296 2041856",
                image.toString())
            .expect(0)
            .output();
    assertThat(contents).doesNotContain("failed");
    Tools.run(60, "qemu-img", "check", image.toString()).expect(0);
  }

  @Test
  void aVolumeIsLeftOutWhileItsServerIsAbsentAndServedByARetry() throws Exception {
    Tools.require("nbdkit");
    serve("nbd = \"" + uri() + "\"");
    assertThat(warnings())
        .contains("volume vm1: it is not served")
        .contains("no NBD server listens there");
    write(disk(1), 0, 8, 9);
    nbdkit("memory", "" + BYTES);
    site.ask("volume retry", Map.of("volume", "vm1"));
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    reads(disk, 0, 8, 5);
    assertThat(warnings()).doesNotContain("vm1");
  }

  @Test
  void errorsOfTheServerReachTheInitiatorAndEnd() throws Exception {
    Tools.require("nbdkit");
    Path trigger = folder.resolve("fail");
    nbdkit(
        "--filter=error",
        "memory",
        "" + BYTES,
        "error-pread-rate=100%",
        "error-pread-file=" + trigger,
        "error-pwrite=ENOSPC",
        "error-pwrite-rate=100%",
        "error-pwrite-file=" + trigger);
    serve("nbd = \"" + uri() + "\"");
    Disk disk = disk(0);
    write(disk, 0, 8, 6);
    Files.createFile(trigger);
    assertThatThrownBy(() -> reads(disk, 0, 8, 6)).hasMessageContaining("MEDIUM ERROR");
    assertThatThrownBy(() -> write(disk, 0, 8, 7)).hasMessageContaining("(27/07)");
    Files.delete(trigger);
    reads(disk, 0, 8, 6);
    write(disk, 0, 8, 7);
    reads(disk, 0, 8, 7);
  }

  @Test
  void aSlowServerDelaysItsOwnVolumeOnly() throws Exception {
    Tools.require("nbdkit");
    nbdkit("--filter=delay", "memory", "" + BYTES, "wdelay=10", "rdelay=1");
    serve("nbd = \"" + uri() + "\"");
    Disk disk = disk(0);
    List<CompletableFuture<?>> slow = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      slow.add(disk.write(8L * i, blocks(8, 8)));
    }
    write(disk(1), 0, 8, 1);
    assertThat(slow).noneMatch(CompletableFuture::isDone);
    for (CompletableFuture<?> each : slow) {
      each.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void blocksOf4096BytesNeedAVolumeOfSuchBlocks() throws Exception {
    Tools.require("nbdkit");
    nbdkit(
        "--filter=blocksize-policy",
        "memory",
        "" + BYTES,
        "blocksize-minimum=4096",
        "blocksize-preferred=4096",
        "blocksize-maximum=1M",
        "blocksize-error-policy=error");
    serve("nbd = \"" + uri() + "\"");
    assertThat(warnings()).contains("serves blocks of 4096 bytes").contains("block-size = 4096");
    stop();
    serve("nbd = \"" + uri() + "\", block-size = 4096");
    Disk disk = disk(0);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    Initiator.await(disk.write(3, blocks(8 * 512, 9)), 60);
    assertThat(Initiator.await(disk.read(3, 512), 60).rewind()).isEqualTo(blocks(8 * 512, 9));
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    assertThat(Initiator.await(disk.read(3, 512), 60).rewind()).isEqualTo(blocks(8 * 512, 0));
  }

  @Test
  void overTcp() throws Exception {
    Tools.require("nbdkit");
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Process process = start("nbdkit", "-f", "-i", "127.0.0.1", "-p", "" + port, "memory", "8M");
    Await.until("it listens", () -> isListening(port) || hasEnded(process));
    serve("nbd = \"nbd://127.0.0.1:" + port + "/\"");
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    reads(disk, 0, 8, 5);
  }

  private static boolean isListening(int port) {
    try (var socket = new java.net.Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void whatCannotBeDoneIsRefusedWithTheReason() throws Exception {
    Tools.require("nbdkit");
    nbdkit("memory", "" + BYTES);
    serve("nbd = \"" + uri() + "\", size = 16 MiB");
    assertThat(warnings()).contains("less than the size of 16 MiB").contains("cannot be extended");
    stop();
    serve("nbd = \"" + uri() + "\"");
    assertThat(site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 16 << 20)))
        .contains("vm1");
    assertThatThrownBy(() -> Initiator.await(disk(0).read(BYTES / 512, 1), 30))
        .isInstanceOf(ScsiException.class);
  }
}
