// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.anabranch.block.bench.FileMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On files and threads as in production, since no simulator has those. */
class MergeUnderLoadTest {
  private static final int SECTORS = 32_768;
  private static final int WRITERS = 3;
  private static final int WRITES = 600;
  private static final int BLOCK = 8;

  @TempDir Path folder;

  @Test
  void twoSnapshotsKeepTheirViewWhileAThirdMergesUnderLoad() throws Exception {
    byte[] content = new byte[SECTORS * 512];
    new Random(1).nextBytes(content);
    Path origin = Files.write(folder.resolve("origin.img"), content);
    byte[] model = content.clone(); // of the snapshot that is merged, and of the volume then
    String size = "0 " + SECTORS + " ";
    try (FileMapper devices = new FileMapper()) {
      String[] stores = new String[3];
      for (int i = 0; i < 3; i++) {
        stores[i] = FileMapper.sparse(folder.resolve("cow" + i), 64L << 20).toString();
      }
      String merged = " " + origin + " " + stores[0] + " P 8";
      BlockDevice snapshot = devices.create("s", size + "snapshot" + merged);
      BlockDevice small =
          devices.create("small", size + "snapshot " + origin + " " + stores[1] + " P 1");
      BlockDevice large =
          devices.create("large", size + "snapshot " + origin + " " + stores[2] + " P 64");
      Random random = new Random(2);
      for (int i = 0; i < 1500; i++) {
        write(snapshot, model, random, 0, SECTORS / BLOCK);
      }
      write(small, new byte[SECTORS * 512], random, 0, SECTORS / BLOCK);
      write(large, new byte[SECTORS * 512], random, 0, SECTORS / BLOCK);
      byte[] viewOfSmall = read(small);
      byte[] viewOfLarge = read(large);
      devices.remove("s");

      BlockDevice volume = devices.create("m", size + "snapshot-merge" + merged);
      try (ExecutorService writers = Executors.newFixedThreadPool(WRITERS)) {
        Future<?>[] ends = new Future<?>[WRITERS];
        for (int i = 0; i < WRITERS; i++) {
          // Each has blocks of its own: what a block holds then is what was last written to it.
          int first = i * (SECTORS / BLOCK / WRITERS);
          long seed = 10L + i;
          Callable<Void> work =
              () -> {
                Random own = new Random(seed);
                for (int n = 0; n < WRITES; n++) {
                  write(volume, model, own, first, SECTORS / BLOCK / WRITERS);
                }
                return null;
              };
          ends[i] = writers.submit(work);
        }
        assertThat(read(small)).isEqualTo(viewOfSmall);
        for (Future<?> end : ends) {
          end.get();
        }
      }
      devices.awaitMerge("m");
      assertThat(read(volume)).isEqualTo(model);
      assertThat(read(small)).isEqualTo(viewOfSmall);
      assertThat(read(large)).isEqualTo(viewOfLarge);
      devices.remove("m", "small", "large");

      // And from the files: nothing of it was in memory only.
      assertThat(read(devices.create("s1", size + "snapshot " + origin + " " + stores[1] + " P 1")))
          .isEqualTo(viewOfSmall);
      assertThat(
              read(devices.create("s2", size + "snapshot " + origin + " " + stores[2] + " P 64")))
          .isEqualTo(viewOfLarge);
      devices.remove("s1", "s2");
    }
    assertThat(Files.readAllBytes(origin)).isEqualTo(model);
  }

  /** Writes one of {@code count} blocks from {@code first} on, and notes it in the model. */
  private static void write(BlockDevice to, byte[] model, Random random, int first, int count)
      throws IOException {
    byte[] bytes = new byte[BLOCK * 512];
    random.nextBytes(bytes);
    int sector = (first + random.nextInt(count)) * BLOCK;
    ByteBuffer data = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    IoLatch.await(to, latch -> Io.write(sector, data, false, latch));
    System.arraycopy(bytes, 0, model, sector * 512, bytes.length);
  }

  private static byte[] read(BlockDevice from) throws IOException {
    byte[] bytes = new byte[SECTORS * 512];
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
    for (int at = 0; at < bytes.length; at += buffer.capacity()) {
      long sector = at / 512;
      IoLatch.await(from, latch -> Io.read(sector, buffer, latch));
      buffer.get(0, bytes, at, buffer.capacity());
    }
    return bytes;
  }
}
