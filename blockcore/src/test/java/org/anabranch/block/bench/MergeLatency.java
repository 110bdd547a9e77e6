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
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * How long writes of 4 KiB take, and how many there are in a second, while 16,384 scattered chunks
 * of 64 KiB are merged, and while that merge is paused: one write or 32 at a time, without and with
 * two other snapshots that keep their view. The writes go to the chunks of the store, all of them
 * at random. Arguments: {@code FOLDER}
 */
public final class MergeLatency {
  private static final int CHUNK_SECTORS = 128;
  private static final int CHUNKS = 32_768; // of the origin, 2 GiB
  private static final int COPIED = 16_384;
  private static final long BYTES = (long) CHUNKS * CHUNK_SECTORS * 512;
  private static final int MAX_WRITES = 20_000_000;
  private static final int PAUSED_MILLIS = 2000;

  private MergeLatency() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
    for (int depth : new int[] {1, 32}) {
      measure(folder, depth, "no other snapshot", List.of());
      measure(folder, depth, "two other snapshots, chunks of 16 and 256 KiB", List.of(32, 512));
    }
  }

  private static void measure(Path folder, int depth, String title, List<Integer> others)
      throws Exception {
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
      devices.message("m", "pause");
      Writer paused = new Writer(merge, chunks.subList(0, COPIED), depth);
      Thread.sleep(PAUSED_MILLIS);
      paused.stop();
      Writer writer = new Writer(merge, chunks.subList(0, COPIED), depth);
      long begin = System.nanoTime();
      devices.message("m", "resume");
      devices.awaitMerge("m");
      double seconds = (System.nanoTime() - begin) / 1e9;
      writer.stop();
      System.out.printf(
          Locale.ROOT,
          "%d at a time, %s: merged in %.2f s%n  paused:  %s%n  merging: %s%n",
          depth,
          title,
          seconds,
          paused,
          writer);
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

  /** Writes to chunks of the store, from its making on. */
  private static final class Writer {
    private final BlockDevice device;
    private final List<Integer> chunks;
    private final Semaphore places;
    private final int depth;
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final AtomicReference<@Nullable IoError> failure = new AtomicReference<>();
    private final int[] micros = new int[MAX_WRITES]; // guarded by itself
    private int count; // guarded by micros
    private final long begin = System.nanoTime();
    private final Thread thread;
    private double seconds;

    Writer(BlockDevice device, List<Integer> chunks, int depth) {
      this.device = device;
      this.chunks = chunks;
      this.depth = depth;
      this.places = new Semaphore(depth);
      this.thread = Thread.ofPlatform().name("writer").start(this::write);
    }

    private void write() {
      Random random = new Random(11);
      ByteBuffer data = ByteBuffer.allocateDirect(4096);
      for (int i = 0; i < MAX_WRITES && !stopped.get(); i++) {
        places.acquireUninterruptibly();
        int block = random.nextInt(CHUNK_SECTORS / 8);
        long sector = (long) chunks.get(random.nextInt(chunks.size())) * CHUNK_SECTORS + block * 8L;
        long submitted = System.nanoTime();
        device.submit(
            Io.write(
                sector,
                data,
                false,
                (io, error) -> {
                  failure.compareAndSet(null, error);
                  synchronized (micros) {
                    micros[count++] = (int) ((System.nanoTime() - submitted) / 1000);
                  }
                  places.release();
                }));
      }
      places.acquireUninterruptibly(depth);
      seconds = (System.nanoTime() - begin) / 1e9;
    }

    void stop() throws InterruptedException, IOException {
      stopped.set(true);
      thread.join();
      IoError error = failure.get();
      if (error != null) {
        throw error.toException();
      }
    }

    /** The distribution, after {@link #stop}. */
    @Override
    public String toString() {
      int[] sorted;
      synchronized (micros) {
        sorted = Arrays.copyOf(micros, count);
      }
      Arrays.sort(sorted);
      StringBuilder text =
          new StringBuilder(
              String.format(Locale.ROOT, "%,.0f writes a second  ", sorted.length / seconds));
      for (double part : new double[] {0.5, 0.9, 0.99, 0.999, 1}) {
        int at = Math.clamp((long) Math.ceil(part * sorted.length) - 1, 0, sorted.length - 1);
        text.append(String.format(Locale.ROOT, "p%s %.2f ms  ", part * 100, sorted[at] / 1e3));
      }
      return text.toString();
    }
  }
}
