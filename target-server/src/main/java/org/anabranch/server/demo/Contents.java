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

  private final int[] generations;

  Contents(long bytes) {
    generations = new int[Math.toIntExact(bytes / EXTENT)];
  }

  private Contents(int[] generations) {
    this.generations = generations;
  }

  /** What is there now, to compare with later. */
  Contents copy() {
    return new Contents(generations.clone());
  }

  int extents() {
    return generations.length;
  }

  long bytes() {
    return (long) generations.length * EXTENT;
  }

  /** Notes that an extent was discarded. */
  void zero(int extent) {
    generations[extent] = 0;
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
    Deque<Reading> inFlight = new ArrayDeque<>();
    for (int extent = 0; extent < generations.length; extent++) {
      inFlight.add(new Reading(extent, disk.read(lba(disk, extent), EXTENT / disk.blockSize())));
      if (inFlight.size() == IN_FLIGHT) {
        check(inFlight.remove());
      }
      progress.accept((extent + 1L) * EXTENT);
    }
    while (!inFlight.isEmpty()) {
      check(inFlight.remove());
    }
  }

  private void check(Reading reading) throws IOException, InterruptedException {
    ByteBuffer found = Initiator.await(reading.data, PATIENCE_SECONDS);
    found.rewind();
    int at = found.mismatch(data(reading.extent));
    if (at >= 0) {
      throw new IscsiException(
          "byte " + ((long) reading.extent * EXTENT + at) + " reads as it was never written");
    }
  }

  private ByteBuffer data(int extent) {
    ByteBuffer data = ByteBuffer.allocate(EXTENT).order(ByteOrder.LITTLE_ENDIAN);
    int generation = generations[extent];
    if (generation != 0) {
      long word = ((long) generation << 32 | extent) * STEP;
      while (data.hasRemaining()) {
        word += STEP;
        data.putLong(word ^ word >>> 29);
      }
      data.rewind();
    }
    return data;
  }

  static long lba(Disk disk, int extent) {
    return (long) extent * EXTENT / disk.blockSize();
  }

  /** The extents from {@code first} on. */
  static int[] range(int first, int count) {
    int[] extents = new int[count];
    Arrays.setAll(extents, i -> first + i);
    return extents;
  }
}
