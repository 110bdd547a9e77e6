// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * What a volume with a snapshot costs, on files in the page cache and chunks of 4 KiB:
 *
 * <pre>
 *   reads             through snapshot-origin, and the snapshot     against  linear
 *   writes            to chunks that were copied                    against  linear
 *   first writes      to the origin                                 against  a loop, see {@link #loop}
 * </pre>
 *
 * Arguments: {@code FOLDER ROUNDS}
 */
public final class TargetCost {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 1 << 16; // 256 MiB
  private static final int REQUESTS = 200_000;
  private static final int FIRST_WRITES = 1000;

  private final Path folder;
  private final int rounds;
  private final ByteBuffer data = ByteBuffer.allocateDirect(BLOCK);

  /** One request for a block. */
  private interface Request {
    Io make(long sector, IoCompletion done);
  }

  private TargetCost(Path folder, int rounds) {
    this.folder = folder;
    this.rounds = rounds;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
    TargetCost cost = new TargetCost(folder, Integer.parseInt(arguments[1]));
    cost.mapping();
    cost.firstWrites(1);
    cost.firstWrites(32);
  }

  private Path file(String name) throws IOException {
    Path path = folder.resolve(name);
    Files.deleteIfExists(path);
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (int i = 0; i < BLOCKS; i++) {
        file.write(data.clear(), (long) i * BLOCK);
      }
      file.force(true);
    }
    data.clear();
    return path;
  }

  private void mapping() throws Exception {
    Path plain = file("target.plain");
    Path origin = file("target.origin");
    Path cow = FileMapper.sparse(folder.resolve("target.cow"), 2L * BLOCKS * BLOCK);
    String size = "0 " + (long) BLOCKS * BLOCK / 512 + " ";
    try (FileMapper devices = new FileMapper()) {
      BlockDevice linear = devices.create("linear", size + "linear " + plain + " 0");
      BlockDevice volume = devices.create("origin", size + "snapshot-origin " + origin);
      BlockDevice snapshot =
          devices.create("snapshot", size + "snapshot " + origin + " " + cow + " P 8");
      // The first half gets exceptions, in an order in which no two make a run.
      int half = BLOCKS / 2;
      run(volume, half, 32, i -> (i * 7919L) % half, this::write);
      for (BlockDevice each : List.of(volume, snapshot)) {
        compare("reads of what was copied", half, 0, each, linear, this::read);
        compare("writes to what was copied", half, 0, each, linear, this::write);
      }
      compare("reads of what was not copied", half, half, snapshot, linear, this::read);
      devices.remove("snapshot", "origin", "linear");
    }
    for (Path path : List.of(plain, origin, cow)) {
      Files.delete(path);
    }
  }

  private void compare(
      String what, int blocks, int from, BlockDevice device, BlockDevice linear, Request request)
      throws Exception {
    Random random = new Random(3);
    Blocks any = i -> from + random.nextInt(blocks);
    Comparison.run(
        what + ", one at a time: " + device.name() + " against linear",
        rounds,
        REQUESTS / 1e3,
        "k",
        device.name(),
        () -> run(device, REQUESTS, 1, any, request),
        "linear",
        () -> run(linear, REQUESTS, 1, any, request));
  }

  private Io read(long sector, IoCompletion done) {
    return Io.read(sector, data, done);
  }

  private Io write(long sector, IoCompletion done) {
    return Io.write(sector, data, false, done);
  }

  /** Which block the {@code i}th request is for. */
  private interface Blocks {
    long block(int i);
  }

  private static double run(
      BlockDevice device, int count, int depth, Blocks blocks, Request request) throws IOException {
    Semaphore places = new Semaphore(depth);
    AtomicReference<@Nullable IoError> failure = new AtomicReference<>();
    IoCompletion done =
        (io, error) -> {
          if (error != null) {
            failure.set(error);
          }
          places.release();
        };
    long begin = System.nanoTime();
    for (int i = 0; i < count; i++) {
      places.acquireUninterruptibly();
      device.submit(request.make(blocks.block(i) * (BLOCK / 512), done));
    }
    places.acquireUninterruptibly(depth);
    double seconds = (System.nanoTime() - begin) / 1e9;
    IoError error = failure.get();
    if (error != null) {
      throw error.toException();
    }
    return seconds;
  }

  private void firstWrites(int depth) throws Exception {
    Path origin = file("first.origin");
    Path cow = folder.resolve("first.cow");
    Blocks scattered = i -> i * 61L;
    Comparison.run(
        "first writes, " + depth + " at a time: against a loop with the same syncs",
        rounds,
        FIRST_WRITES,
        "",
        "origin",
        () -> {
          FileMapper.sparse(cow, 64L << 20);
          try (FileMapper devices = new FileMapper()) {
            String size = "0 " + Files.size(origin) / 512 + " ";
            BlockDevice volume = devices.create("o", size + "snapshot-origin " + origin);
            devices.create("s", size + "snapshot " + origin + " " + cow + " P 8");
            double seconds = run(volume, FIRST_WRITES, depth, scattered, this::write);
            devices.remove("s", "o");
            return seconds;
          }
        },
        "loop",
        () -> loop(origin, FileMapper.sparse(cow, 64L << 20), scattered));
    Files.delete(origin);
    Files.delete(cow);
  }

  /**
   * For each write: reads the chunk, writes it to the store, syncs, writes a page with the record,
   * syncs, writes the data.
   */
  private double loop(Path origin, Path cow, Blocks blocks) throws IOException {
    try (FileChannel from =
            FileChannel.open(origin, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel to = FileChannel.open(cow, StandardOpenOption.WRITE)) {
      long begin = System.nanoTime();
      for (int i = 0; i < FIRST_WRITES; i++) {
        long at = blocks.block(i) * BLOCK;
        from.read(data.clear(), at);
        to.write(data.clear(), (2L + i) * BLOCK);
        to.force(false);
        to.write(data.clear(), BLOCK);
        to.force(false);
        from.write(data.clear(), at);
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      data.clear();
      return seconds;
    }
  }
}
