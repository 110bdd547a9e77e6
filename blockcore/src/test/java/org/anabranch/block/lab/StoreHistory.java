// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What happens to one origin and its snapshot, drawn from a seed, and what both read as then: the
 * model is two arrays of bytes.
 */
final class StoreHistory {
  static final int[] CHUNK_SECTORS = {1, 2, 8, 16, 32, 64, 128};
  static final int PATTERN_SECTORS = 4096;

  /**
   * One write: sectors {@code at} and on of the pattern to {@code sector} and on.
   *
   * @param toSnapshot or to the origin
   */
  record Write(boolean toSnapshot, int sector, int count, int at) {}

  final long seed;
  final int chunkSectors;
  final int originSectors;
  final int cowSectors;
  final String type;

  /** Writes before and after the store changes hands. */
  final List<Write> writes;

  final List<Write> moreWrites;

  /** A merge that is to fail half way fails in this exception, counted in {@link #exceptions}. */
  final int stop;

  StoreHistory(long seed) {
    this.seed = seed;
    SplittableRandom random = new SplittableRandom(seed);
    chunkSectors = CHUNK_SECTORS[(int) Math.floorMod(seed, (long) CHUNK_SECTORS.length)];
    int chunks = random.nextInt(24, Math.clamp(3072 / chunkSectors, 40, 600));
    int tail = random.nextBoolean() ? 0 : random.nextInt(chunkSectors); // a last chunk cut short
    originSectors = Math.max(256, chunks * chunkSectors + tail);
    int originChunks = originSectors / chunkSectors + 1;
    int perArea = chunkSectors * 512 / 16;
    cowSectors = chunkSectors * (originChunks + originChunks / perArea + 4);
    type = random.nextInt(4) == 0 ? "PO" : "P";
    writes = draw(random, random.nextInt(4, 24));
    moreWrites = draw(random, random.nextInt(2, 6));
    stop = exceptions(writes).size() / 2;
  }

  /** One that is made by hand. */
  StoreHistory(
      long seed,
      int chunkSectors,
      int originSectors,
      int cowSectors,
      String type,
      List<Write> writes,
      int stop) {
    this.seed = seed;
    this.chunkSectors = chunkSectors;
    this.originSectors = originSectors;
    this.cowSectors = cowSectors;
    this.type = type;
    this.writes = writes;
    this.moreWrites = List.of();
    this.stop = stop;
  }

  private List<Write> draw(SplittableRandom random, int count) {
    List<Write> drawn = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = 1 + random.nextInt(random.nextInt(3) == 0 ? 12 * chunkSectors : chunkSectors);
      length = Math.min(length, 1024);
      int sector = random.nextInt(originSectors);
      if (random.nextBoolean()) {
        sector -= sector % chunkSectors;
      }
      length = Math.min(length, originSectors - sector);
      boolean toSnapshot = random.nextInt(5) < 3;
      drawn.add(new Write(toSnapshot, sector, length, random.nextInt(PATTERN_SECTORS - length)));
    }
    return drawn;
  }

  /** What writes are cut from: the same for all histories. */
  static byte[] pattern() {
    byte[] pattern = new byte[PATTERN_SECTORS * 512];
    new SplittableRandom(1).nextBytes(pattern);
    return pattern;
  }

  /** What the origin holds at first, and the snapshot shows. */
  byte[] initial() {
    byte[] bytes = new byte[originSectors * 512];
    System.arraycopy(pattern(), 0, bytes, 0, Math.min(bytes.length, PATTERN_SECTORS * 512));
    return bytes;
  }

  /** What the snapshot reads as after these writes. */
  byte[] view(List<Write> done) {
    byte[] pattern = pattern();
    byte[] bytes = initial();
    for (Write write : done) {
      if (write.toSnapshot()) {
        System.arraycopy(
            pattern, write.at() * 512, bytes, write.sector() * 512, write.count() * 512);
      }
    }
    return bytes;
  }

  /** All writes, the later ones, too. */
  List<Write> allWrites() {
    List<Write> all = new ArrayList<>(writes);
    all.addAll(moreWrites);
    return all;
  }

  /** The chunks that writes make exceptions for, in the order in which they would one by one. */
  List<Integer> exceptions(List<Write> done) {
    Set<Integer> chunks = new LinkedHashSet<>();
    for (Write write : done) {
      int last = (write.sector() + write.count() - 1) / chunkSectors;
      for (int chunk = write.sector() / chunkSectors; chunk <= last; chunk++) {
        chunks.add(chunk);
      }
    }
    return List.copyOf(chunks);
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public String toString() {
    return "seed %d: %d sectors, chunk %d, %s, %d writes"
        .formatted(seed, originSectors, chunkSectors, type, writes.size());
  }
}
