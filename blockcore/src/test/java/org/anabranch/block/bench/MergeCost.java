// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * What a merge costs, on files in the page cache:
 *
 * <pre>
 *   run       one contiguous run of 1 GiB      against  dd of the same bytes with conv=fdatasync
 *   scatter   16,384 scattered chunks, 64 KiB  against  qemu-img commit of the same clusters
 *   batch     2,048 scattered chunks, 64 KiB   against  the same, one exception at a time
 * </pre>
 *
 * Arguments: {@code FOLDER ROUNDS WHICH...}
 */
public final class MergeCost {
  private static final int CLUSTER = 65_536;
  private static final int CLUSTER_SECTORS = CLUSTER / 512;
  private static final int RUN_BYTES = 1 << 30;
  private static final int PIECE = 1 << 20;
  private static final int METADATA = 64 << 20; // more than any of the stores needs

  private final Path folder;
  private final int rounds;

  private MergeCost(Path folder, int rounds) {
    this.folder = folder;
    this.rounds = rounds;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
    MergeCost cost = new MergeCost(folder, Integer.parseInt(arguments[1]));
    List<String> which = List.of(arguments).subList(2, arguments.length);
    for (String each : which.isEmpty() ? List.of("run", "scatter", "batch") : which) {
      switch (each) {
        case "run" -> cost.run();
        case "scatter" -> cost.scatter();
        case "batch" -> cost.batch();
        default -> throw new IllegalArgumentException(each + ": not run, scatter or batch");
      }
    }
  }

  private void run() throws Exception {
    int chunkSectors = 32;
    Path origin = filled("run.origin", RUN_BYTES);
    ByteBuffer data = random(PIECE, 2);
    Path cow = folder.resolve("run.cow");
    FileMapper.Content content =
        new FileMapper.Content() {
          @Override
          public long sector(int i) {
            return (long) i * (PIECE / 512);
          }

          @Override
          public ByteBuffer data(int i) {
            return data.duplicate();
          }
        };
    Comparison.run(
        "one contiguous run of 1 GiB, chunks of 16 KiB: merge against dd conv=fdatasync",
        rounds,
        RUN_BYTES / 1e6,
        "MB",
        "merge",
        () -> {
          fill(origin, cow, RUN_BYTES, chunkSectors, RUN_BYTES / PIECE, content);
          return merge(origin, cow, chunkSectors);
        },
        "dd",
        () -> {
          sync(cow);
          sync(origin);
          return Programs.run(
              "dd",
              "if=" + cow,
              "of=" + origin,
              "bs=1M",
              "skip=1",
              "count=" + RUN_BYTES / PIECE,
              "conv=notrunc,fdatasync");
        });
    delete(origin, cow);
  }

  private void scatter() throws Exception {
    long bytes = 2L << 30;
    List<Integer> clusters = scattered(32_768, 16_384);
    Path origin = filled("scatter.origin", bytes);
    Path base = filled("scatter.base", bytes);
    Path cow = folder.resolve("scatter.cow");
    Path overlay = folder.resolve("scatter.qcow2");
    Path pristine = overlay(base, folder.resolve("pristine.qcow2"), clusters);
    Comparison.run(
        "16,384 scattered chunks of 64 KiB: merge against qemu-img commit",
        rounds,
        16_384.0 * CLUSTER / 1e6,
        "MB",
        "merge",
        () -> {
          fill(origin, cow, bytes, CLUSTER_SECTORS, clusters.size(), scattered(clusters));
          return merge(origin, cow, CLUSTER_SECTORS);
        },
        "commit",
        () -> {
          Programs.run("cp", "--sparse=always", pristine.toString(), overlay.toString());
          sync(overlay);
          sync(base);
          return Programs.run("qemu-img", "commit", "-q", overlay.toString());
        });
    delete(origin, base, cow, overlay, pristine);
  }

  private void batch() throws Exception {
    long bytes = 1L << 30;
    List<Integer> clusters = scattered(16_384, 2_048);
    Path origin = filled("batch.origin", bytes);
    Path cow = folder.resolve("batch.cow");
    Comparison.run(
        "2,048 scattered chunks of 64 KiB: batches against one exception at a time",
        rounds,
        2_048.0 * CLUSTER / 1e6,
        "MB",
        "batches",
        () -> {
          fill(origin, cow, bytes, CLUSTER_SECTORS, clusters.size(), scattered(clusters));
          return merge(origin, cow, CLUSTER_SECTORS);
        },
        "one",
        () -> {
          fill(origin, cow, bytes, CLUSTER_SECTORS, clusters.size(), scattered(clusters));
          return mergeOneByOne(origin, cow, CLUSTER_SECTORS, 2_048L * CLUSTER_SECTORS);
        });
    delete(origin, cow);
  }

  /** {@code count} of {@code all} clusters, in random order. */
  private static List<Integer> scattered(int all, int count) {
    List<Integer> clusters = new ArrayList<>();
    for (int i = 0; i < all; i++) {
      clusters.add(i);
    }
    Collections.shuffle(clusters, new Random(5));
    return List.copyOf(clusters.subList(0, count));
  }

  private static FileMapper.Content scattered(List<Integer> clusters) {
    ByteBuffer data = random(CLUSTER, 3);
    return new FileMapper.Content() {
      @Override
      public long sector(int i) {
        return (long) clusters.get(i) * CLUSTER_SECTORS;
      }

      @Override
      public ByteBuffer data(int i) {
        return data.duplicate();
      }
    };
  }

  /** Makes a new store that holds these writes to the snapshot; nothing is left to be written. */
  private static void fill(
      Path origin, Path cow, long bytes, int chunkSectors, int writes, FileMapper.Content content)
      throws IOException {
    FileMapper.sparse(cow, (long) writes * content.data(0).remaining() + METADATA);
    try (FileMapper devices = new FileMapper()) {
      String table = "0 " + bytes / 512 + " snapshot " + origin + " " + cow + " P " + chunkSectors;
      FileMapper.write(devices.create("s", table), writes, content);
      devices.remove("s");
    }
    sync(origin);
    sync(cow);
  }

  /** Seconds from the table to the end of the merge. */
  private static double merge(Path origin, Path cow, int chunkSectors) throws IOException {
    try (FileMapper devices = new FileMapper()) {
      long sectors = Files.size(origin) / 512;
      String table =
          "0 " + sectors + " snapshot-merge " + origin + " " + cow + " P " + chunkSectors;
      long begin = System.nanoTime();
      devices.create("m", table);
      devices.awaitMerge("m");
      double seconds = (System.nanoTime() - begin) / 1e9;
      devices.remove("m");
      return seconds;
    }
  }

  /**
   * Seconds to merge {@code all} sectors of scattered chunks one exception at a time. A merge
   * begins with its table, so it is stopped first; the time of what is left then stands for all.
   */
  private static double mergeOneByOne(Path origin, Path cow, int chunkSectors, long all)
      throws IOException {
    try (FileMapper devices = new FileMapper()) {
      long sectors = Files.size(origin) / 512;
      devices.create(
          "m", "0 " + sectors + " snapshot-merge " + origin + " " + cow + " P " + chunkSectors);
      devices.message("m", "pause");
      devices.message("m", "batch 1");
      String[] status = devices.status("m").split("[/ ]", -1); // allocated/total metadata
      long left = Long.parseLong(status[0]) - Long.parseLong(status[2]);
      long begin = System.nanoTime();
      devices.message("m", "resume");
      devices.awaitMerge("m");
      double seconds = (System.nanoTime() - begin) / 1e9;
      devices.remove("m");
      if (left < all / 2) {
        throw new IOException("only " + left + " of " + all + " sectors were left to measure");
      }
      return seconds * all / left;
    }
  }

  /** An overlay with the same clusters, written in the same order. */
  private static Path overlay(Path base, Path overlay, List<Integer> clusters)
      throws IOException, InterruptedException {
    Programs.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        base.toString(),
        overlay.toString());
    StringBuilder commands = new StringBuilder();
    for (int cluster : clusters) {
      commands.append("write -q -P 90 ").append((long) cluster * CLUSTER).append(" 64k\n");
    }
    Programs.run(commands.toString(), new String[] {"qemu-io", "-f", "qcow2", overlay.toString()});
    return overlay;
  }

  /** A file whose every block is there. */
  private Path filled(String name, long bytes) throws IOException {
    Path path = folder.resolve(name);
    ByteBuffer data = random(PIECE, 4);
    try (FileChannel file =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; at += PIECE) {
        ByteBuffer rest = data.duplicate();
        while (rest.hasRemaining()) {
          file.write(rest);
        }
      }
    }
    sync(path);
    return path;
  }

  private static ByteBuffer random(int bytes, long seed) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return ByteBuffer.allocateDirect(bytes).put(content).flip();
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.force(true);
    }
  }

  private static void delete(Path... paths) throws IOException {
    for (Path path : paths) {
      Files.delete(path);
    }
  }
}
