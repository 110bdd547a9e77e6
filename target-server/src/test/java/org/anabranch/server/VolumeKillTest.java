// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server is killed at random moments while a snapshot is copied to a new volume: afterwards
 * there is the whole copy, or nothing of it. {@code -Danabranch.volumeKills=100} kills it so often.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
final class VolumeKillTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int BYTES = 64 << 20;
  private static final int KILLS = Integer.getInteger("anabranch.volumeKills", 2);
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 64 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a } } }
      """;

  @TempDir private Path folder;

  @Test
  void aKillLeavesAllOrNothing() throws Exception {
    long seed = Long.getLong("anabranch.seed", System.nanoTime());
    Random random = new Random(seed);
    Site site = new Site(folder);
    Path image = folder.resolve("state/images/b.img");
    byte[] contents = new byte[BYTES];
    int whole = 0;
    int none = 0;
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      for (int at = 0; at < BYTES; at += 1 << 20) {
        byte[] block = new byte[256 << 10];
        random.nextBytes(block);
        System.arraycopy(block, 0, contents, at, block.length);
        Initiator.await(disk.write(at / 512, ByteBuffer.wrap(block)), 30);
      }
      site.ask("snapshot create", Map.of("names", List.of("a@s")));
      for (int at = 0; at < BYTES; at += 3 << 20) {
        Initiator.await(disk.write(at / 512, ByteBuffer.allocate(64 << 10)), 30);
      }
      assertThat(server.terminate()).isZero();
    }
    for (int kill = 0; kill < KILLS; kill++) {
      try (ServerProcess _ = site.serve(CONFIGURATION)) {
        site.ask("volume create", Map.of("name", "b", "from", "a@s")); // what ends this block kills
        LockSupport.parkNanos(
            TimeUnit.MILLISECONDS.toNanos(random.nextInt(kill % 2 == 0 ? 60 : 400)));
      }
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        String there = site.ask("volume list", Map.of()).toString();
        if (there.contains("name=b")) {
          whole++;
          assertThat(Arrays.equals(Files.readAllBytes(image), contents))
              .as("seed %d", seed)
              .isTrue();
          site.ask("volume remove", Map.of("volume", "b", "delete-image", true));
        } else {
          none++;
        }
        try (Stream<Path> left = Files.list(folder.resolve("state/images"))) {
          assertThat(left).as("seed %d", seed).isEmpty();
        }
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      } catch (RefusedException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    System.out.println(
        "volume create --from: "
            + KILLS
            + " kills, seed "
            + seed
            + ": "
            + whole
            + " whole, "
            + none
            + " none, nothing else");
  }
}
