// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot asks of the keeper of its exceptions.
 *
 * <p>Threading: a store shares its snapshot's {@link org.anabranch.block.DeferringLock}. Every
 * method is called with it held and returns at once; every callback comes with it held, perhaps
 * inside the call. The one exception is {@link #load}, which runs before anybody else knows the
 * store.
 */
public interface ExceptionStore {
  /** The type as tables print it: {@code P}, {@code PO} or {@code N}. */
  String type();

  /** Whether a full store keeps its snapshot readable instead of making it invalid ({@code PO}). */
  boolean overflows();

  /** A handover to another table may change {@link #overflows}. */
  void setOverflows(boolean overflows);

  /** Where the store counts from now on. */
  void countIn(Counters<StoreCounter> counters);

  /** Sectors of a chunk. May change in {@link #load}: the disk's word counts. */
  int chunkSectors();

  /**
   * Reads the store into {@code table}, or makes a new one where there is none.
   *
   * @param origin no exception may be for a chunk beyond its end, nor a chunk be less than a block
   * @return whether the snapshot is valid; or a {@link StoreException} with what is wrong, and then
   *     nothing has been written
   */
  CompletionStage<Boolean> load(ExceptionTable table, BlockDevice origin);

  /** Reserves up to {@code most} consecutive chunks for data; null when the store is full. */
  @Nullable Allocation allocate(int most);

  /**
   * Runs {@code then}, without the lock, when data may be written to what was allocated; called
   * once for each allocation, in the order of allocation.
   */
  void whenWritable(Allocation allocation, Runnable then);

  /**
   * Makes exceptions durable; called once for each allocation, in the order of allocation.
   *
   * @param copied whether the data is in place; if not, the store is no longer valid
   * @param done true when the exceptions are durable, false when the store is not valid any more
   */
  void commit(long old, Allocation allocation, boolean copied, Done done);

  /**
   * Marks the store as invalid, durably, so that it is never used again.
   *
   * @param done after the last attempt: null for success; after an error it still looks valid
   */
  void invalidate(Committed done);

  /** Whether there is something here that {@link #prepareMerge} could give. */
  boolean canMerge();

  /**
   * Finds the last exceptions in the list, at most {@code most} of them and at least one if there
   * are any. Nothing may be allocated or uncommitted, from now until they are merged or given up.
   */
  void prepareMerge(int most, Prepared prepared);

  /**
   * Takes the last {@code count} exceptions off the list, durably.
   *
   * @param done null for success; after an error it is unknown whether they are on the list, and
   *     the same may be asked for again
   */
  void commitMerge(int count, Committed done);

  /** How many exceptions are on the list. */
  long exceptions();

  /** What the status line says. */
  Usage usage();

  /** Chunks from {@code newChunk} on, {@code count} of them. */
  record Allocation(long newChunk, int count) {}

  /** In sectors; {@code metadata} is part of {@code allocated}. */
  record Usage(long allocated, long total, long metadata) {
    @Override
    public String toString() {
      return allocated + "/" + total + " " + metadata;
    }
  }

  /** The end of {@link #commit}. */
  @FunctionalInterface
  interface Done {
    void committed(boolean valid);
  }

  /** The end of {@link #prepareMerge}: the batch, null when the list is empty or on an error. */
  @FunctionalInterface
  interface Prepared {
    void prepared(@Nullable MergeBatch batch, @Nullable IoError error);
  }

  /** The end of {@link #commitMerge} and {@link #invalidate}. */
  @FunctionalInterface
  interface Committed {
    void committed(@Nullable IoError error);
  }
}
