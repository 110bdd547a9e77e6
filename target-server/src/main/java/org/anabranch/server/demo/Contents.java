// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.IscsiException;

/**
 * What the demo wrote to a disk, so that every byte can be checked: each extent of 64 KiB holds
 * what follows from its place and its generation; generation 0 is zeros. One thread.
 */
final class Contents {
  /** Bytes that share a generation. */
  static final int EXTENT = 64 << 10;

  private static final int IN_FLIGHT = 16;
  private static final int PATIENCE_SECONDS = 60;
  private static final long STEP = 0x9e37_79b9_7f4a_7c15L;

  private final long offset;
  private final int[] generations;

  /**
   * A part of a disk that holds zeros.
   *
   * @param offset where it begins, bytes
   */
  Contents(long offset, long bytes) {
    this(offset, new int[Math.toIntExact(bytes / EXTENT)]);
  }

  private Contents(long offset, int[] generations) {
    this.offset = offset;
    this.generations = generations;
  }

  /** What is there now, to compare with later. */
  Contents copy() {
    return new Contents(offset, generations.clone());
  }

  int extents() {
    return generations.length;
  }

  long bytes() {
    return (long) generations.length * EXTENT;
  }

  /** Discards extents. */
  void discard(Disk disk, int first, int count) throws IOException, InterruptedException {
    int blocks = count * (EXTENT / disk.blockSize());
    Initiator.await(disk.unmap(lba(disk, first), blocks), PATIENCE_SECONDS);
    Arrays.fill(generations, first, first + count, 0);
  }

  /** Writes one extent in its next generation. */
  void write(Disk disk, int extent) throws IOException, InterruptedException {
    write(disk, new int[] {extent}, bytes -> {});
  }

  /** Reads one extent, and fails if a byte of it is not as it must be. */
  void verify(Disk disk, int extent) throws IOException, InterruptedException {
    Reading reading = read(disk, extent);
    long at = mismatch(reading);
    if (at >= 0) {
      throw new IscsiException("byte " + at + " reads as it was never written");
    }
  }

  /** Writes extents in their next generation, several at a time, telling how many bytes went. */
  void write(Disk disk, int[] extents, LongConsumer progress)
      throws IOException, InterruptedException {
    Deque<CompletableFuture<?>> inFlight = new ArrayDeque<>();
    for (int i = 0; i < extents.length; i++) {
      generations[extents[i]]++;
      inFlight.add(disk.write(lba(disk, extents[i]), data(extents[i])));
      if (inFlight.size() == IN_FLIGHT) {
        Initiator.await(inFlight.remove(), PATIENCE_SECONDS);
      }
      progress.accept((i + 1L) * EXTENT);
    }
    while (!inFlight.isEmpty()) {
      Initiator.await(inFlight.remove(), PATIENCE_SECONDS);
    }
  }

  private record Reading(int extent, CompletableFuture<ByteBuffer> data) {}

  /** Reads everything, and fails on the first byte that is not as it must be. */
  void verify(Disk disk, LongConsumer progress) throws IOException, InterruptedException {
    differing(disk, progress, true);
  }

  /** Reads everything; how many extents are not as they must be. */
  int differing(Disk disk, LongConsumer progress) throws IOException, InterruptedException {
    return differing(disk, progress, false);
  }

  private int differing(Disk disk, LongConsumer progress, boolean fail)
      throws IOException, InterruptedException {
    Deque<Reading> inFlight = new ArrayDeque<>();
    int differing = 0;
    for (int next = 0; next < generations.length || !inFlight.isEmpty(); ) {
      if (next < generations.length && inFlight.size() < IN_FLIGHT) {
        inFlight.add(read(disk, next++));
        continue;
      }
      Reading first = inFlight.remove();
      long at = mismatch(first);
      if (at >= 0 && fail) {
        throw new IscsiException("byte " + at + " reads as it was never written");
      }
      differing += at >= 0 ? 1 : 0;
      progress.accept((first.extent + 1L) * EXTENT);
    }
    return differing;
  }

  private Reading read(Disk disk, int extent) {
    return new Reading(extent, disk.read(lba(disk, extent), EXTENT / disk.blockSize()));
  }

  /** The first byte of the disk that is not as it must be; -1 if there is none. */
  private long mismatch(Reading reading) throws IOException, InterruptedException {
    ByteBuffer found = Initiator.await(reading.data, PATIENCE_SECONDS);
    found.rewind();
    int at = found.mismatch(data(reading.extent));
    return at < 0 ? -1 : offset + (long) reading.extent * EXTENT + at;
  }

  private ByteBuffer data(int extent) {
    ByteBuffer data = ByteBuffer.allocate(EXTENT).order(ByteOrder.LITTLE_ENDIAN);
    int generation = generations[extent];
    if (generation != 0) {
      long word = ((long) generation << 32 | (offset / EXTENT + extent)) * STEP;
      while (data.hasRemaining()) {
        word += STEP;
        data.putLong(word ^ word >>> 29);
      }
      data.rewind();
    }
    return data;
  }

  private long lba(Disk disk, int extent) {
    return (offset + (long) extent * EXTENT) / disk.blockSize();
  }

  /** The extents from {@code first} on. */
  static int[] range(int first, int count) {
    int[] extents = new int[count];
    Arrays.setAll(extents, i -> first + i);
    return extents;
  }
}
