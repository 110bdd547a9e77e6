// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.Stages;

/**
 * Writes parts of a device in order of offsets that do not overlap, a few requests at a time. One
 * thread, which may wait.
 */
public final class DeviceWrites {
  private static final int AT_ONCE = 4;

  /** The most sectors of one request that writes zeros. */
  private static final long MAX_ZERO_SECTORS = 1L << 15;

  private record Writing(ByteBuffer data, CompletableFuture<Boolean> done) {}

  private interface Request {
    Io with(IoCompletion done);
  }

  private final BlockDevice device;
  private final Deque<Writing> writing = new ArrayDeque<>();
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();

  public DeviceWrites(BlockDevice device) {
    this.device = device;
  }

  /** Writes data of whole sectors, at most {@link DeviceReads#BLOCK} bytes; it is copied. */
  public void write(long offset, ByteBuffer data) throws RefusedException {
    ByteBuffer copy =
        spare.isEmpty() ? ByteBuffer.allocateDirect(DeviceReads.BLOCK) : spare.remove();
    copy.clear().put(data.duplicate()).flip();
    begin(copy, done -> Io.write(offset >> 9, copy, false, done));
  }

  /** Lets whole sectors read as zeros; a hole where the device has them. */
  public void zero(long offset, long length) throws RefusedException {
    long end = (offset + length) >> 9;
    for (long at = offset >> 9; at < end; ) {
      long from = at;
      long sectors = Math.min(end - at, MAX_ZERO_SECTORS);
      boolean discards = device.limits().discardZeroes();
      begin(
          DeltaFormat.NOTHING,
          done ->
              discards
                  ? Io.discard(from, sectors, done)
                  : Io.writeZeroes(from, sectors, false, done));
      at += sectors;
    }
  }

  private void begin(ByteBuffer data, Request request) throws RefusedException {
    if (writing.size() == AT_ONCE) {
      takeFirst();
    }
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    writing.add(new Writing(data, done));
    device.submit(
        request.with((io, error) -> {
          if (error == null) {
            done.complete(true);
          } else {
            done.completeExceptionally(error.toException());
          }
        }));
  }

  private void takeFirst() throws RefusedException {
    Writing first = writing.remove();
    Stages.await(device.name(), first.done);
    if (first.data.capacity() > 0) {
      spare.add(first.data);
    }
  }

  /** Waits for all, and makes them durable. */
  public void finish() throws RefusedException {
    while (!writing.isEmpty()) {
      takeFirst();
    }
    begin(DeltaFormat.NOTHING, Io::flush);
    takeFirst();
  }

  /** Waits until no request is in flight, whether they succeed or fail. */
  public void abandon() {
    for (Writing each : writing) {
      each.done.handle((done, failure) -> true).join();
    }
    writing.clear();
  }
}
