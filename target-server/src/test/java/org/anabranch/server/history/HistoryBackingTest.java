// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.initiator.history.ServedDisks.Served;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;
import org.anabranch.server.Tools;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hosts write and read without a break while what is below the volume fails: the checker judges
 * every read. {@code -Danabranch.historyFaults=N} for more faults than a build has.
 */
@Timeout(600)
@TakesLong
final class HistoryBackingTest {
  private static final int FAULTS = Integer.getInteger("anabranch.historyFaults", 3);
  private static final long SEED = Long.getLong("anabranch.historySeed", 1);
  private static final int BYTES = 2 << 20;
  private static final int BLOCKS = BYTES / 512;
  private static final int HOSTS = 2;
  private static final int LANES = 4;
  private static final String DISK = "disk";

  private final SplittableRandom random = new SplittableRandom(SEED);

  @TempDir private Path folder;

  private static String target(String device) {
    return "targets { \"%s\" { luns { 0 = %s } } }%n".formatted(RecordedVolumes.TARGET, device);
  }

  private RecordedServer hosts(Recorder recorder) {
    recorder.happened(new Event.Note("seed " + SEED));
    recorder.happened(new Event.NewDisk(DISK, BLOCKS));
    RecordedServer hosts = new RecordedServer(recorder);
    hosts.served.serve(new Served(DISK, RecordedVolumes.TARGET, 0, BLOCKS, 512, true));
    return hosts;
  }

  /** A target flakey that fails all requests for a second, and serves them for a second. */
  @Test
  void aDeviceThatFailsNowAndThen() throws Exception {
    Site site = new Site(folder);
    String text =
        "volumes { vm1 { path = vm1.img, size = %d } }%ndevices { flaky = \"0 %d flakey vm1 0 1 1\" }%n"
                .formatted(BYTES, BLOCKS)
            + target("flaky");
    try (Recorder recorder = new Recorder(folder.resolve("history.log"), false);
        RecordedServer hosts = hosts(recorder);
        ServerProcess server = site.serve(text)) {
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET).expectErrors();
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).expectErrors().start(LANES, random.split());
      }
      hosts.at(server.portal());
      long failed = 0;
      for (int fault = 0; fault < FAULTS; fault++) {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2)); // a time of each kind
        hosts.awaitOperations(20);
        long now = hosts.hosts().stream().mapToLong(HistoryHost::errors).sum();
        assertThat(now).as("operations that failed").isGreaterThan(failed);
        failed = now;
      }
      Await.until("a sweep meets no failure", () -> sweeps(reader));
      hosts.check();
      System.out.printf(
          "flakey: seed %d, %d operations, %d that failed%n", SEED, hosts.operations(), failed);
      hosts.stop();
      assertThat(server.terminate()).as(server.errors()).isIn(0, 1);
    }
  }

  private static boolean sweeps(HistoryHost reader) throws InterruptedException {
    try {
      reader.sweep();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** What it acknowledged and did not flush dies with qemu-nbd: its qcow2 file lacks it. */
  @Test
  void anNbdServerThatIsKilled() throws Exception {
    Tools.require("qemu-nbd", "qemu-img");
    Path image = folder.resolve("disk.qcow2");
    Path socket = folder.resolve("nbd.sock");
    Tools.run(60, "qemu-img", "create", "-f", "qcow2", image.toString(), "" + BYTES).expect(0);
    Site site = new Site(folder);
    String text =
        "volumes { vm1 { nbd = \"nbd+unix:///disk?socket=%s\" } }%n".formatted(socket)
            + target("vm1");
    Process nbd = serve(image, socket);
    try (Recorder recorder = new Recorder(folder.resolve("history.log"), false);
        RecordedServer hosts = hosts(recorder);
        ServerProcess server = site.serve(text)) {
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET);
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).start(LANES, random.split());
      }
      hosts.at(server.portal());
      for (int fault = 0; fault < FAULTS; fault++) {
        hosts.awaitOperations(200 + random.nextInt(200));
        nbd.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
        nbd = serve(image, socket);
      }
      hosts.awaitOperations(200);
      reader.sweep();
      hosts.check();
      assertThat(String.valueOf(site.ask("status", Map.of()).get("sessions"))).isNotEmpty();
      System.out.printf(
          "nbd: seed %d, %d kills, %d operations%n", SEED, FAULTS, hosts.operations());
      hosts.stop();
      assertThat(server.terminate()).as(server.errors()).isZero();
    } finally {
      nbd.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    }
  }

  private Process serve(Path image, Path socket) throws Exception {
    Files.deleteIfExists(socket);
    Process process =
        new ProcessBuilder(
                "qemu-nbd",
                "-t",
                "--shared=0",
                "-x",
                "disk",
                "-f",
                "qcow2",
                "-k",
                socket.toString(),
                image.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("nbd.log").toFile())
            .start();
    Await.until("it listens", () -> Files.exists(socket) || !process.isAlive());
    return process;
  }
}
