// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Where and how long a benchmark runs.
 *
 * @param root the checkout
 * @param files the folder for its files, which take gigabytes
 * @param rounds rounds of each comparison
 * @param seconds measured time of each run; 0 for a rehearsal, which only shows that everything
 *     runs: small files, few requests, and meaningless results
 */
record Workplace(Path root, Path files, int rounds, int seconds) {
  private static final int PIECE = 1 << 20;

  private boolean rehearsal() {
    return seconds == 0;
  }

  /** The time before measuring starts. */
  Duration warmup() {
    return rehearsal() ? Duration.ofMillis(50) : Duration.ofSeconds(1);
  }

  /** The measured time. */
  Duration measured() {
    return rehearsal() ? Duration.ofMillis(100) : Duration.ofSeconds(seconds);
  }

  /** Bytes of a volume, whole MiB. */
  long size(long usual) {
    return rehearsal() ? Math.min(usual, 32 << 20) : usual;
  }

  /** The number of requests where the run does not end by time. */
  int count(int usual) {
    return rehearsal() ? Math.min(usual, 16) : usual;
  }

  Path launcher() {
    return root.resolve("anabranch");
  }

  Path folder(String name) throws IOException {
    return Files.createDirectories(files.resolve(name));
  }

  /**
   * Creates files with random content, in the page cache and on disk.
   *
   * @param first size of the first file in bytes, whole MiB
   * @param others size of the others
   */
  List<Path> files(String owner, int count, long first, long others) throws IOException {
    List<Path> made = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(1);
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    for (int at = 0; at < PIECE; at += 8) {
      piece.putLong(at, random.nextLong());
    }
    for (int i = 0; i < count; i++) {
      Path file = folder(owner).resolve("disk" + i + ".img");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        for (long left = i == 0 ? first : others; left > 0; left -= PIECE) {
          piece.putLong(0, left).clear();
          while (piece.hasRemaining()) {
            channel.write(piece);
          }
        }
        channel.force(true);
      }
      made.add(file);
    }
    return made;
  }

  /** Deletes all files. */
  void clear() throws IOException {
    if (Files.exists(files)) {
      try (Stream<Path> all = Files.walk(files)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }
}
