// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.Sense;
import org.assertj.core.api.ThrowableAssert;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A volume whose image is served by a program, as FUSE file systems are (here qemu-storage-daemon),
 * which is killed under load. Needs root, who may mount it.
 */
@Timeout(180)
final class KilledBackingTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int MIB = 1 << 20;

  private final Path folder;
  private final Path image;
  private final Site site;
  private @Nullable Process daemon;

  KilledBackingTest(@TempDir Path folder) {
    this.folder = folder;
    this.image = folder.resolve("vm1.img");
    this.site = new Site(folder);
  }

  @AfterEach
  void unmount() throws Exception {
    kill();
  }

  private void kill() throws Exception {
    if (daemon != null) {
      daemon.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
      daemon = null;
      Tools.run(10, "umount", "-l", image.toString());
    }
  }

  private void mount() throws Exception {
    Path base = folder.resolve("base.raw");
    if (!Files.exists(base)) {
      Files.write(base, new byte[4 * MIB]);
      Files.createFile(image);
    }
    daemon =
        new ProcessBuilder(
                "qemu-storage-daemon",
                "--blockdev",
                "driver=file,node-name=f,filename=" + base,
                "--export",
                "type=fuse,id=e,node-name=f,writable=on,mountpoint=" + image)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("daemon.log").toFile())
            .start();
    Process started = daemon;
    Await.until(
        "the image is mounted, or cannot be",
        () -> Files.size(image) == 4 * MIB || !started.isAlive());
    if (!started.isAlive()) {
      daemon = null;
      // Not even where tools are required: containers forbid it.
      abort("FUSE cannot be mounted: " + Files.readString(folder.resolve("daemon.log")).strip());
    }
  }

  private static ByteBuffer filled(int value) {
    byte[] bytes = new byte[65536];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  @Test
  void errorsReachTheInitiatorOthersGoOnAndARestartServesItAgain() throws Exception {
    Tools.require("qemu-storage-daemon");
    mount();
    String text =
        "volumes { vm1 { path = vm1.img }, vm2 { path = vm2.img, size = 1 MiB } }\n"
            + "targets { \""
            + TARGET
            + "\" { luns { 0 = vm1, 1 = vm2 } } }\n";
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(text)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk killed = host.disk(0);
      Disk other = host.disk(1);
      Initiator.await(killed.write(0, filled(1)), 30);
      Initiator.await(killed.flush(), 30);
      kill();
      fails(() -> {
        for (int i = 0; i < 100; i++) { // at first what is cached may still answer
          Initiator.await(killed.write(128, filled(2)), 30);
          Initiator.await(killed.flush(), 30);
        }
      });
      fails(() -> Initiator.await(killed.flush(), 30));
      Initiator.await(other.write(0, filled(7)), 30);
      Initiator.await(other.flush(), 30);
      assertThat(Initiator.await(other.read(0, 128), 30).rewind()).isEqualTo(filled(7));
      assertThat(host.lives()).isTrue();
      assertThat(String.valueOf(site.ask("status", Map.of()).get("warnings")))
          .as("status")
          .contains("vm1.img");
      server.terminate();
    }
    mount();
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(text)) {
      Disk again = Site.Host.logIn(initiator, server, TARGET).disk(0);
      assertThat(Initiator.await(again.read(0, 128), 30).rewind()).isEqualTo(filled(1));
      Initiator.await(again.write(0, filled(3)), 30);
      Initiator.await(again.flush(), 30);
      assertThat(server.terminate()).as(server.errors()).isZero();
    }
  }

  private static void fails(ThrowableAssert.ThrowingCallable command) {
    assertThatThrownBy(command)
        .isInstanceOfSatisfying(
            ScsiException.class,
            e ->
                assertThat(Objects.requireNonNull(e.response().sense()).key())
                    .as(e.getMessage())
                    .isIn(Sense.MEDIUM_ERROR, Sense.HARDWARE_ERROR, Sense.DATA_PROTECT));
  }
}
