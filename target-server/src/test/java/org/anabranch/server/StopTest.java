// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SIGTERM while requests wait in devices: all of them end, and the server ends well. */
final class StopTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final byte MARK = 0x5a;

  @TempDir private Path folder;

  private static String configuration(String lun) {
    return """
    volumes { vm1 { path = vm1.img, size = 4 MiB } }
    devices {
      linear = "0 8192 linear vm1 0"
      flakey = "0 8192 flakey vm1 0 3600 0"
      slow = "0 8192 delay vm1 0 0 vm1 0 3600000 vm1 0 3600000"
    }
    targets { "%s" { luns { 0 = %s } } }
    """
        .formatted(TARGET, lun);
  }

  private static CompletableFuture<ByteBuffer> write(Disk disk) {
    ByteBuffer data = ByteBuffer.allocate(4096);
    while (data.hasRemaining()) {
      data.put(MARK);
    }
    return disk.write(0, data.flip());
  }

  /** A write that waits in a suspended volume is made and answered, also from a device above it. */
  @ParameterizedTest
  @ValueSource(strings = {"vm1", "linear", "flakey"})
  void whatWaitsInASuspendedVolumeIsAnswered(String lun) throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration(lun))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      site.dm("suspend", "vm1");
      host.stays();
      CompletableFuture<ByteBuffer> waiting = write(disk);
      assertThat(host.lives()).as("a command behind the write is answered").isTrue();
      assertThat(waiting).isNotDone();

      assertThat(server.terminate()).isZero();

      Initiator.await(waiting, 30);
    }
    assertThat(Files.readAllBytes(folder.resolve("vm1.img"))[4095]).isEqualTo(MARK);
  }

  /** A write that is delayed for an hour is made when the server stops; its initiator is gone. */
  @Test
  void whatIsDelayedIsMade() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration("slow"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      host.stays();
      CompletableFuture<ByteBuffer> waiting = write(disk);
      assertThat(host.lives()).isTrue();
      assertThat(waiting).isNotDone();

      assertThat(server.terminate()).isZero();

      assertThat(waiting).failsWithin(Duration.ofSeconds(30));
    }
    assertThat(Files.readAllBytes(folder.resolve("vm1.img"))[4095]).isEqualTo(MARK);
  }

  /** What is not durable is said in a line each, without a trace, and the server ends with 1. */
  @Test
  void aStoreThatWasCutIsSaidInALine() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration("vm1"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      try (FileChannel store =
          FileChannel.open(folder.resolve("state/cow/vm1@a.cow"), StandardOpenOption.WRITE)) {
        store.truncate(4096);
      }
      Initiator.await(write(host.disk(0)), 30);
      assertThat(server.terminate()).isEqualTo(1);
      assertThat(server.errors())
          .contains("vm1@a.cow was cut from outside to 4096")
          .contains("stopped, but not all that was written is durable")
          .doesNotContain("Exception", "\tat ");
    }
  }
}
