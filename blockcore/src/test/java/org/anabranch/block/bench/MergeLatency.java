// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;

/**
 * How long writes of 4 KiB take while 16,384 scattered chunks of 64 KiB are merged, one after the
 * other, first without and then with two other snapshots that keep their view. Arguments: {@code
 * FOLDER}
 */
public final class MergeLatency {
  private static final int CHUNK_SECTORS = 128;
  private static final int CHUNKS = 32_768; // of the origin, 2 GiB
  private static final int COPIED = 16_384;
  private static final long BYTES = (long) CHUNKS * CHUNK_SECTORS * 512;

  private MergeLatency() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    measure(folder, "no other snapshot", List.of());
    measure(folder, "two other snapshots, chunks of 16 and 256 KiB", List.of(32, 512));
  }

  private static void measure(Path folder, String title, List<Integer> others) throws Exception {
    List<Integer> chunks = new ArrayList<>();
    for (int i = 0; i < CHUNKS; i++) {
      chunks.add(i);
    }
    Collections.shuffle(chunks, new Random(7));
    List<Path> files = new ArrayList<>();
    Path origin = FileMapper.sparse(folder.resolve("latency.origin"), BYTES);
    Path cow = FileMapper.sparse(folder.resolve("latency.cow"), BYTES);
    files.addAll(List.of(origin, cow));
    String size = "0 " + BYTES / 512 + " ";
    String table = " " + origin + " " + cow + " P " + CHUNK_SECTORS;
    ByteBuffer data = ByteBuffer.allocateDirect(CHUNK_SECTORS * 512);
    try (FileMapper devices = new FileMapper()) {
      FileMapper.write(
          devices.create("s", size + "snapshot" + table),
          COPIED,
          new FileMapper.Content() {
            @Override
            public long sector(int i) {
              return (long) chunks.get(i) * CHUNK_SECTORS;
            }

            @Override
            public ByteBuffer data(int i) {
              return data.duplicate();
            }
          });
      devices.remove("s");
      for (int other : others) {
        Path store = FileMapper.sparse(folder.resolve("latency.cow" + other), 2 * BYTES);
        files.add(store);
        devices.create("other" + other, size + "snapshot " + origin + " " + store + " P " + other);
      }
      BlockDevice merge = devices.create("m", size + "snapshot-merge" + table);
      AtomicBoolean merging = new AtomicBoolean(true);
      List<Long> nanos = new ArrayList<>();
      Thread writer =
          Thread.ofPlatform()
              .name("writer")
              .start(() -> write(merge, chunks.subList(0, COPIED), merging, nanos));
      long begin = System.nanoTime();
      devices.awaitMerge("m");
      double seconds = (System.nanoTime() - begin) / 1e9;
      merging.set(false);
      writer.join();
      System.out.printf(
          Locale.ROOT, "%s: merged in %.2f s, %d writes meanwhile%n", title, seconds, nanos.size());
      System.out.printf(Locale.ROOT, "  all writes: %s%n", distribution(nanos));
      devices.remove("m");
      for (int other : others) {
        System.out.printf(
            Locale.ROOT,
            "  status of the snapshot with chunk %d: %s%n",
            other,
            devices.status("other" + other));
        devices.remove("other" + other);
      }
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }

  /** Writes to chunks of the store, those that are merged next first. */
  private static void write(
      BlockDevice device, List<Integer> chunks, AtomicBoolean merging, List<Long> nanos) {
    Random random = new Random(11);
    ByteBuffer data = ByteBuffer.allocateDirect(4096);
    while (merging.get()) {
      long sector = (long) chunks.get(random.nextInt(chunks.size())) * CHUNK_SECTORS;
      long begin = System.nanoTime();
      try {
        IoLatch.await(device, latch -> Io.write(sector, data, false, latch));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
      nanos.add(System.nanoTime() - begin);
    }
  }

  private static String distribution(List<Long> nanos) {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    StringBuilder text = new StringBuilder();
    for (double part : new double[] {0.5, 0.9, 0.99, 0.999, 1}) {
      int at = Math.clamp((long) Math.ceil(part * sorted.length) - 1, 0, sorted.length - 1);
      text.append(String.format(Locale.ROOT, "p%s %.2f ms  ", part * 100, sorted[at] / 1e6));
    }
    return text.toString();
  }
}
