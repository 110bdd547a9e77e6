// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A file in memory that does as it is told. All fields are set before requests come. */
final class FaultyFile implements RawFile {
  final byte[] bytes = new byte[64 * 512];
  final AtomicInteger syncs = new AtomicInteger();
  final AtomicInteger zeroRanges = new AtomicInteger();
  volatile int most = Integer.MAX_VALUE;
  volatile int now;
  volatile int writtenNow;
  volatile int end = bytes.length;
  volatile int links = 1;
  volatile @Nullable FileError readError;
  volatile @Nullable FileError writeError;
  volatile @Nullable FileError syncError;
  volatile @Nullable FileError allocateError;

  /** One permit for each blocking call that may go on; null: all may. */
  volatile @Nullable Semaphore permits;

  final Semaphore begun = new Semaphore(0);

  private void step(@Nullable FileError error) throws IOException {
    begun.release();
    Semaphore gate = permits;
    if (gate != null) {
      gate.acquireUninterruptibly();
    }
    if (error != null) {
      throw error;
    }
  }

  @Override
  public int readNow(ByteBuffer data, long offset) {
    return now == 0 ? NOT_NOW : copy(data, offset, now);
  }

  @Override
  public boolean isQuick(ByteBuffer data, long offset) {
    return writtenNow > 0;
  }

  @Override
  public int writeNow(ByteBuffer data, long offset) {
    Semaphore gate = permits;
    if (gate != null) { // it hangs all the same
      gate.acquireUninterruptibly();
    }
    int count = Math.min(writtenNow, data.remaining());
    data.get(data.position(), bytes, (int) offset, count);
    return count == 0 ? NOT_NOW : count;
  }

  private int copy(ByteBuffer data, long offset, int limit) {
    int count = (int) Math.min(Math.min(limit, data.remaining()), Math.max(0, end - offset));
    data.put(data.position(), bytes, (int) offset, count);
    return count;
  }

  @Override
  public int read(ByteBuffer data, long offset) throws IOException {
    step(readError);
    return copy(data, offset, most);
  }

  @Override
  public int write(ByteBuffer data, long offset, boolean durable) throws IOException {
    step(writeError);
    int count = Math.min(most, data.remaining());
    data.get(data.position(), bytes, (int) offset, count);
    return count;
  }

  @Override
  public void sync() throws IOException {
    syncs.incrementAndGet();
    step(syncError);
  }

  @Override
  public void punchHole(long offset, long length) throws IOException {
    step(allocateError);
  }

  @Override
  public void zeroRange(long offset, long length) throws IOException {
    zeroRanges.incrementAndGet();
    step(allocateError);
  }

  @Override
  public long nextData(long offset) {
    return offset;
  }

  @Override
  public long nextHole(long offset) {
    return end;
  }

  @Override
  public long size() {
    return end;
  }

  @Override
  public int links() {
    return links;
  }

  @Override
  public void resize(long newSize) {}

  @Override
  public boolean tryLock(boolean shared) {
    return true;
  }

  @Override
  public void close() {}
}
