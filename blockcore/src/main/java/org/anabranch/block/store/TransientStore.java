// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;

/**
 * Exceptions in memory only, for a snapshot that need not outlive the process: type {@code N}. Data
 * starts at chunk 0, there is no metadata, a full store invalidates its snapshot, and it cannot be
 * merged.
 */
public final class TransientStore implements ExceptionStore {
  private final BlockDevice cow;
  private final DeferringLock lock;
  private final int chunkSectors;

  // Guarded by the snapshot's lock.
  private long nextFree;
  private long exceptions;
  private boolean valid = true;

  private boolean overflows;

  private Counters<StoreCounter> counters = new Counters<>(StoreCounter.class);

  public TransientStore(BlockDevice cow, DeferringLock lock, int chunkSectors) {
    this.cow = cow;
    this.lock = lock;
    this.chunkSectors = chunkSectors;
  }

  @Override
  public String type() {
    return "N";
  }

  @Override
  public boolean overflows() {
    return overflows;
  }

  /**
   * Does nothing: the type stays {@code N}. As in Linux, only a handover of this store asks for it.
   */
  @Override
  public void setOverflows(boolean newOverflows) {
    overflows = newOverflows;
  }

  @Override
  public void countIn(Counters<StoreCounter> newCounters) {
    counters = newCounters;
  }

  @Override
  public int chunkSectors() {
    return chunkSectors;
  }

  @Override
  public CompletionStage<Boolean> load(ExceptionTable table, BlockDevice origin) {
    return CompletableFuture.completedFuture(true);
  }

  @Override
  public @Nullable Allocation allocate(int most) {
    long end = Math.min(cow.sectors() / chunkSectors, ExceptionTable.NEW_CHUNK_LIMIT);
    int count = (int) Math.min(most, end - nextFree);
    if (count <= 0) {
      return null;
    }
    Allocation allocation = new Allocation(nextFree, count);
    nextFree += count;
    return allocation;
  }

  @Override
  public void whenWritable(Allocation allocation, Runnable then) {
    lock.after(then);
  }

  @Override
  public void commit(long old, Allocation allocation, boolean copied, Done done) {
    valid &= copied;
    if (valid) {
      exceptions += allocation.count();
      counters.add(StoreCounter.RECORDS, allocation.count());
    }
    done.committed(valid);
  }

  @Override
  public void invalidate(Committed done) {
    valid = false;
    done.committed(null);
  }

  @Override
  public boolean canMerge() {
    return false;
  }

  @Override
  public void prepareMerge(int most, Prepared prepared) {
    prepared.prepared(
        null, IoError.of(IoError.Kind.NOT_SUPPORTED, "a transient store can't merge"));
  }

  @Override
  public void commitMerge(int count, Committed done) {
    done.committed(IoError.of(IoError.Kind.NOT_SUPPORTED, "a transient store can't merge"));
  }

  @Override
  public long exceptions() {
    return exceptions;
  }

  @Override
  public Usage usage() {
    return new Usage(nextFree * chunkSectors, cow.sectors(), 0);
  }
}
