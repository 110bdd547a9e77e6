// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.anabranch.block.store.ExceptionTable;
import org.anabranch.block.store.StoreLayout;

/**
 * What exceptions cost in memory, and how long a store of four million takes to load. Argument:
 * {@code FOLDER}
 */
public final class MemoryCost {
  private static final int CHUNK_SECTORS = 8;
  private static final int EXCEPTIONS = 4_000_000;

  private MemoryCost() {}

  public static void main(String[] arguments) throws IOException {
    singles(10_000_000, "in order", 2);
    singles(10_000_000, "scattered", 1_000_003L * 2);
    terabyte();
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    load(folder, "in order", 1);
    load(folder, "scattered", 2_654_435_761L);
  }

  /** Chunks of which no two are neighbours: every second one of 2 x count, {@code step} apart. */
  private static void singles(int count, String order, long step) {
    long before = usedHeap();
    ExceptionTable table = new ExceptionTable();
    long begin = System.nanoTime();
    long old = 0;
    for (int i = 0; i < count; i++) {
      if (!table.insert(old, 2L + i, 1)) {
        throw new IllegalStateException("chunk " + old + " came twice");
      }
      old = (old + step) % (2L * count);
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    long bytes = usedHeap() - before;
    System.out.printf(
        Locale.ROOT,
        "%,d single chunks %s: %.1f MB of heap, %.2f bytes each, inserted in %.2f s%n",
        table.chunks(),
        order,
        bytes / 1e6,
        (double) bytes / table.chunks(),
        seconds);
  }

  private static void terabyte() {
    long before = usedHeap();
    ExceptionTable table = new ExceptionTable();
    long chunks = (1L << 40) / 512 / CHUNK_SECTORS;
    StoreLayout layout = new StoreLayout(CHUNK_SECTORS);
    int area = layout.exceptionsPerArea();
    for (long chunk = 0; chunk < chunks; chunk += area) {
      // As a store gives them: a run ends where the next metadata chunk is.
      table.insert(chunk, 2 + chunk + chunk / area, area);
    }
    long bytes = usedHeap() - before;
    System.out.printf(
        Locale.ROOT,
        "one contiguous TiB in chunks of 4 KiB: %.1f MB of heap, %,d runs%n",
        bytes / 1e6,
        table.runs());
    before = usedHeap();
    ExceptionTable whole = new ExceptionTable();
    whole.insert(0, 2, chunks);
    System.out.printf(
        Locale.ROOT,
        "the same without metadata between: %.3f MB of heap, %,d runs%n",
        (usedHeap() - before) / 1e6,
        whole.runs());
  }

  private static void load(Path folder, String order, long stride) throws IOException {
    StoreLayout layout = new StoreLayout(CHUNK_SECTORS);
    Path cow = FileMapper.sparse(folder.resolve("memory.cow"), 32L << 30);
    Path origin = FileMapper.sparse(folder.resolve("memory.origin"), 64L << 30);
    writeStore(layout, cow, stride);
    for (int round = 1; round <= 3; round++) {
      try (FileMapper devices = new FileMapper()) {
        long sectors = Files.size(origin) / 512;
        long begin = System.nanoTime();
        long busy = cpuNanos();
        devices.create(
            "s", "0 " + sectors + " snapshot " + origin + " " + cow + " P " + CHUNK_SECTORS);
        System.out.printf(
            Locale.ROOT,
            "a store of %,d exceptions %s, loaded in %.2f s, %.2f s of processor time; status %s%n",
            EXCEPTIONS,
            order,
            (System.nanoTime() - begin) / 1e9,
            (cpuNanos() - busy) / 1e9,
            devices.status("s"));
        devices.remove("s");
      }
    }
    Files.delete(cow);
    Files.delete(origin);
  }

  /**
   * Header and areas; no two exceptions make a run.
   *
   * @param stride from an exception to the next one, in exceptions; prime to their number
   */
  private static void writeStore(StoreLayout layout, Path cow, long stride) throws IOException {
    int perArea = layout.exceptionsPerArea();
    try (FileChannel file = FileChannel.open(cow, StandardOpenOption.WRITE)) {
      ByteBuffer chunk =
          ByteBuffer.allocateDirect(layout.chunkBytes()).order(ByteOrder.LITTLE_ENDIAN);
      chunk.putInt(StoreLayout.MAGIC).putInt(1).putInt(StoreLayout.VERSION).putInt(CHUNK_SECTORS);
      file.write(chunk.clear(), 0);
      for (int i = 0; i < EXCEPTIONS; ) {
        long area = i / perArea;
        chunk.clear();
        for (int record = 0; record < perArea; record++, i++) {
          chunk.putLong(i < EXCEPTIONS ? 2 * (i * stride % EXCEPTIONS) : 0);
          chunk.putLong(i < EXCEPTIONS ? layout.areaChunk(area) + 1 + record : 0);
        }
        file.write(chunk.clear(), layout.sector(layout.areaChunk(area)) * 512);
      }
    }
  }

  private static long cpuNanos() {
    return ProcessHandle.current()
        .info()
        .totalCpuDuration()
        .map(java.time.Duration::toNanos)
        .orElse(0L);
  }

  private static long usedHeap() {
    Runtime runtime = Runtime.getRuntime();
    long used = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      System.gc();
      used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
    }
    return used;
  }
}
