// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.Stages;

/**
 * Reads parts of a device in order, a few requests ahead of the consumer. One thread, which may
 * wait.
 */
public final class DeviceReads {
  /** The most bytes of one request. */
  static final int BLOCK = 1 << 20;

  private static final int AHEAD = 4;
  private static final long MAX_STATUS_SECTORS = 1L << 21;

  /** Receives what was read; the buffer is valid until this returns. */
  public interface Sink {
    void take(long offset, ByteBuffer data) throws RefusedException, ClientGoneException;
  }

  private record Reading(long offset, ByteBuffer data, CompletableFuture<Boolean> done) {}

  private final BlockDevice device;
  private final Sink sink;
  private final Deque<Reading> ahead = new ArrayDeque<>();
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();

  public DeviceReads(BlockDevice device, Sink sink) {
    this.device = device;
    this.sink = sink;
  }

  /** Reads an extent of whole sectors; its last requests may still be in flight afterwards. */
  public void read(ByteExtent extent) throws RefusedException, ClientGoneException {
    for (long at = extent.offset(); at < extent.end(); ) {
      // Ends at multiples, so that what is written is aligned wherever that can be.
      int length = (int) Math.min(extent.end() - at, BLOCK - at % BLOCK);
      if (ahead.size() == AHEAD) {
        takeFirst();
      }
      begin(at, length);
      at += length;
    }
  }

  private void begin(long offset, int length) {
    ByteBuffer data = spare.isEmpty() ? ByteBuffer.allocateDirect(BLOCK) : spare.remove();
    data.clear().limit(length);
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    ahead.add(new Reading(offset, data, done));
    device.submit(
        Io.read(
            offset >> 9,
            data,
            (io, error) -> {
              if (error == null) {
                done.complete(true);
              } else {
                done.completeExceptionally(error.toException());
              }
            }));
  }

  private void takeFirst() throws RefusedException, ClientGoneException {
    Reading first = ahead.remove();
    Stages.await(device.name(), first.done);
    sink.take(first.offset, first.data);
    spare.add(first.data);
  }

  /** Waits for the requests in flight, and delivers their data. */
  public void finish() throws RefusedException, ClientGoneException {
    while (!ahead.isEmpty()) {
      takeFirst();
    }
  }

  /** Waits until no request is in flight, whether they succeed or fail. */
  public void abandon() {
    for (Reading reading : ahead) {
      reading.done.handle((done, failure) -> true).join();
    }
    ahead.clear();
  }

  /** Reads the allocated parts, from beginning to end. */
  public void readAllocated() throws RefusedException, ClientGoneException {
    long sectors = device.sectors();
    for (long sector = 0; sector < sectors; ) {
      Io status = status(device, sector, sectors - sector);
      long count = status.statusSectors();
      if (status.allocated()) {
        read(new ByteExtent(sector << 9, count << 9));
      }
      sector += count;
    }
    finish();
  }

  /** Whether sectors are allocated, for the first of {@code most} sectors or more of them. */
  public static Io status(BlockDevice device, long sector, long most) throws RefusedException {
    CompletableFuture<Io> answer = new CompletableFuture<>();
    device.submit(
        Io.blockStatus(
            sector,
            Math.min(most, MAX_STATUS_SECTORS),
            (io, error) -> {
              if (error == null) {
                answer.complete(io);
              } else {
                answer.completeExceptionally(error.toException());
              }
            }));
    return Stages.await(device.name(), answer);
  }
}
