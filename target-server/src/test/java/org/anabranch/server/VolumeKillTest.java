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
import org.anabranch.block.testing.TakesLong;
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
@TakesLong
final class VolumeKillTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int BYTES = 64 << 20;
  private static final int KILLS = Integer.getInteger("anabranch.volumeKills", 2);

  private static String configuration(String images) {
    return """
    image-dir = %1$s/images
    volumes { a { path = %1$s/a.img, size = 64 MiB } }
    targets { "iqn.2026-11.org.example:t" { luns { 0 = a } } }
    """
        .formatted(images);
  }

  @TempDir private Path folder;

  @Test
  void aKillLeavesAllOrNothing() throws Exception {
    Files.createDirectory(folder.resolve("here"));
    kill("here", "copied", new int[] {60, 400});
  }

  /** All of it takes some milliseconds, and the volume's own image has a part in it. */
  @Test
  void aKillInTheMiddleOfASharedCopyLeavesAllOrNothing() throws Exception {
    try (SharingFileSystem _ = SharingFileSystem.mount("xfs", folder.resolve("xfs"))) {
      kill("xfs", "shared", new int[] {8, 40});
    }
  }

  /**
   * @param longest kills come by turns within the first or the second so many milliseconds
   */
  private void kill(String images, String how, int[] longest) throws Exception {
    long seed = Long.getLong("anabranch.seed", System.nanoTime());
    Random random = new Random(seed);
    Site site = new Site(folder);
    String configuration = configuration(images);
    Path image = folder.resolve(images + "/images/b.img");
    byte[] contents = new byte[BYTES];
    byte[] now = new byte[BYTES];
    int whole = 0;
    int none = 0;
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration)) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      for (int at = 0; at < BYTES; at += 1 << 20) {
        byte[] block = new byte[256 << 10];
        random.nextBytes(block);
        System.arraycopy(block, 0, contents, at, block.length);
        Initiator.await(disk.write(at / 512, ByteBuffer.wrap(block)), 30);
      }
      site.ask("snapshot create", Map.of("names", List.of("a@s")));
      System.arraycopy(contents, 0, now, 0, BYTES);
      for (int at = 0; at < BYTES; at += 3 << 20) {
        Initiator.await(disk.write(at / 512, ByteBuffer.allocate(64 << 10)), 30);
        Arrays.fill(now, at, at + (64 << 10), (byte) 0);
      }
      assertThat(server.terminate()).isZero();
    }
    for (int kill = 0; kill < KILLS; kill++) {
      try (ServerProcess _ = site.serve(configuration)) {
        site.ask("volume create", Map.of("name", "b", "from", "a@s")); // what ends this block kills
        LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(longest[kill % 2])));
      }
      try (ServerProcess server = site.serve(configuration)) {
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
        try (Stream<Path> left = Files.list(folder.resolve(images + "/images"))) {
          assertThat(left).as("seed %d", seed).isEmpty();
        }
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      } catch (RefusedException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
    assertThat(Arrays.equals(Files.readAllBytes(folder.resolve(images + "/a.img")), now))
        .as("the volume itself, seed %d", seed)
        .isTrue();
    System.out.println(
        "volume create --from, "
            + how
            + ": "
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
