// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.jspecify.annotations.Nullable;

/**
 * Random writes of 4 KiB into a file of 1 GiB in the page cache: through a {@link FileDevice},
 * against a loop that writes them one by one. Arguments: {@code FOLDER ROUNDS}
 */
public final class WriteCost {
  private static final long BYTES = 1L << 30;
  private static final int BLOCK = 4096;
  private static final int WRITES = 200_000;

  private WriteCost() {}

  public static void main(String[] arguments) throws Exception {
    Path file = Files.createDirectories(Path.of(arguments[0])).resolve("write.img");
    int rounds = Integer.parseInt(arguments[1]);
    fill(file);
    for (int depth : new int[] {1, 4, 32}) {
      Comparison.run(
          "random writes of 4 KiB, " + depth + " at a time, against a loop that writes",
          rounds,
          WRITES / 1e3,
          "k writes",
          "device",
          () -> throughDevice(file, depth),
          "loop",
          () -> loop(file));
    }
    Files.delete(file);
  }

  private static void fill(Path file) throws IOException {
    ByteBuffer data = ByteBuffer.allocateDirect(1 << 20);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = 0; at < BYTES; at += data.capacity()) {
        channel.write(data.clear(), at);
      }
      channel.force(true);
    }
  }

  private static double throughDevice(Path file, int depth) throws Exception {
    FileDevice device = FileDevice.open("file", file, FileOptions.DEFAULT);
    ByteBuffer data = ByteBuffer.allocateDirect(BLOCK);
    Random random = new Random(1);
    Semaphore places = new Semaphore(depth);
    AtomicReference<@Nullable IoError> failure = new AtomicReference<>();
    long begin = System.nanoTime();
    for (int i = 0; i < WRITES; i++) {
      places.acquireUninterruptibly();
      long sector = random.nextInt((int) (BYTES / BLOCK)) * (BLOCK / 512L);
      device.submit(
          Io.write(
              sector,
              data,
              false,
              (io, error) -> {
                if (error != null) {
                  failure.set(error);
                }
                places.release();
              }));
    }
    places.acquireUninterruptibly(depth);
    double seconds = (System.nanoTime() - begin) / 1e9;
    device.close().toCompletableFuture().get();
    IoError error = failure.get();
    if (error != null) {
      throw error.toException();
    }
    return seconds;
  }

  private static double loop(Path file) throws IOException {
    ByteBuffer data = ByteBuffer.allocateDirect(BLOCK);
    Random random = new Random(1);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long begin = System.nanoTime();
      for (int i = 0; i < WRITES; i++) {
        channel.write(data.clear(), (long) random.nextInt((int) (BYTES / BLOCK)) * BLOCK);
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      channel.force(false);
      return seconds;
    }
  }
}
