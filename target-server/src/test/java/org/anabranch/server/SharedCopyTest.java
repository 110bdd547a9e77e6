// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies of snapshots on file systems that can share blocks, each on a loop device. */
@ParameterizedClass
@ValueSource(strings = {"xfs", "btrfs"})
final class SharedCopyTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int MIB = 1 << 20;
  private static final int BLOCKS = MIB / 512;
  private static final int VOLUME_MIB = 48;

  private final String kind;
  private final Path folder;
  private final Site site;
  private @Nullable SharingFileSystem sharing;

  SharedCopyTest(String kind, @TempDir Path folder) {
    this.kind = kind;
    this.folder = folder;
    this.site = new Site(folder);
  }

  @BeforeEach
  void mount() throws Exception {
    sharing = SharingFileSystem.mount(kind, folder.resolve("sharing"));
  }

  @AfterEach
  void unmount() throws Exception {
    if (sharing != null) {
      sharing.close();
    }
  }

  private static String configuration(String image) {
    return """
    image-dir = sharing/images
    volumes { a { path = %s, size = %d MiB } }
    targets { "%s" { luns { 0 = a, 1 = "a@s" } } }
    """
        .formatted(image, VOLUME_MIB, TARGET);
  }

  private static byte[] filled(int value) {
    byte[] data = new byte[MIB];
    Arrays.fill(data, (byte) value);
    return data;
  }

  private static void write(Disk disk, int mib, byte[] data) throws Exception {
    Initiator.await(disk.write((long) mib * BLOCKS, ByteBuffer.wrap(data)), 60);
  }

  private static byte[] read(Disk disk, int mib) throws Exception {
    ByteBuffer data = Initiator.await(disk.read((long) mib * BLOCKS, BLOCKS), 60);
    byte[] bytes = new byte[data.rewind().remaining()];
    data.get(bytes);
    return bytes;
  }

  private void expect(Disk disk, byte[][] model) throws Exception {
    for (int mib = 0; mib < VOLUME_MIB; mib++) {
      assertThat(Arrays.equals(read(disk, mib), model[mib])).as("MiB %d", mib).isTrue();
    }
  }

  private long free() throws Exception {
    return Objects.requireNonNull(sharing).free();
  }

  /** What changed since, in the volume and in the snapshot, is in it as the snapshot has it. */
  @Test
  void aCopyTakesNoRoomForWhatDidNotChange() throws Exception {
    byte[][] model = new byte[VOLUME_MIB][];
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(configuration("sharing/a.img"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      for (int mib = 0; mib < VOLUME_MIB; mib++) {
        model[mib] = filled(mib < 40 ? mib + 1 : 0);
        if (mib < 40) {
          write(host.disk(0), mib, model[mib]);
        }
      }
      site.anabranch(0, "snapshot", "create", "a@s");
      write(host.disk(0), 3, filled(103));
      write(host.disk(0), 45, filled(145)); // zeros when the snapshot was taken
      model[5] = filled(0);
      write(host.disk(1), 5, model[5]);
      model[47] = filled(147);
      write(host.disk(1), 47, model[47]);
      Initiator.await(host.disk(0).flush(), 30);
      long before = free();
      assertThat(site.anabranch(0, "volume", "create", "b", "--from", "a@s", "--wait"))
          .contains("volume b made");
      assertThat(before - free()).isLessThan(8 * MIB);
      assertThat(server.errors()).contains("shared with the volume's image");
      site.anabranch(0, "lun", "add", TARGET, "2", "b");
      expect(host.disk(2), model);
      // From here on each is its own.
      write(host.disk(0), 7, filled(107));
      write(host.disk(2), 8, filled(208));
      assertThat(read(host.disk(2), 7)).isEqualTo(model[7]);
      assertThat(read(host.disk(0), 8)).isEqualTo(model[8]);
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(folder.resolve("sharing/images/b.img")).hasSize((long) VOLUME_MIB * MIB);
  }

  @Test
  void aCopyIsTheSnapshotWhileTheVolumeIsWritten() throws Exception {
    byte[][] model = new byte[VOLUME_MIB][];
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(configuration("sharing/a.img"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      for (int mib = 0; mib < VOLUME_MIB; mib++) {
        model[mib] = filled(mib + 1);
        write(host.disk(0), mib, model[mib]);
      }
      site.anabranch(0, "snapshot", "create", "a@s");
      AtomicBoolean ended = new AtomicBoolean();
      Disk disk = host.disk(0);
      CompletableFuture<Integer> writer =
          CompletableFuture.supplyAsync(
              () -> {
                Random random = new Random(1);
                int writes = 0;
                try {
                  while (!ended.get()) {
                    write(disk, random.nextInt(VOLUME_MIB), filled(200 + random.nextInt(50)));
                    writes++;
                  }
                  return writes;
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              },
              task -> Thread.ofPlatform().daemon().start(task));
      site.anabranch(0, "volume", "create", "b", "--from", "a@s", "--wait");
      ended.set(true);
      assertThat(writer.get(60, TimeUnit.SECONDS)).isPositive();
      site.anabranch(0, "lun", "add", TARGET, "2", "b");
      expect(host.disk(2), model);
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void onAnotherFileSystemAllIsCopied() throws Exception {
    byte[][] model = new byte[VOLUME_MIB][];
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(configuration("a.img"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      for (int mib = 0; mib < VOLUME_MIB; mib++) {
        model[mib] = filled(mib == 2 ? 2 : 0);
      }
      write(host.disk(0), 2, model[2]);
      site.anabranch(0, "snapshot", "create", "a@s");
      write(host.disk(0), 2, filled(102));
      site.anabranch(0, "volume", "create", "b", "--from", "a@s", "--wait");
      assertThat(server.errors()).doesNotContain("shared with the volume's image");
      site.anabranch(0, "lun", "add", TARGET, "2", "b");
      expect(host.disk(2), model);
      assertThat(server.terminate()).isZero();
    }
  }
}
