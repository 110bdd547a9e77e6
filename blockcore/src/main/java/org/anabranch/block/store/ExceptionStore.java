// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;

/**
 * Where a snapshot keeps its exceptions.
 *
 * <p>Threading: a store shares its snapshot's {@link org.anabranch.block.DeferringLock}. Every
 * method is called with the lock held and returns at once; every callback is called with it held,
 * possibly inside the method. The only exception is {@link #load}, which runs before the store is
 * shared.
 */
public interface ExceptionStore {
  /** The type as tables print it: {@code P}, {@code PO} or {@code N}. */
  String type();

  /** Whether a full store keeps its snapshot readable ({@code PO}) instead of invalidating it. */
  boolean overflows();

  /** A handover to another table may change {@link #overflows}. */
  void setOverflows(boolean overflows);

  /** Where the store counts from now on. */
  void countIn(Counters<StoreCounter> counters);

  /** Sectors of a chunk. {@link #load} may change it: the value on disk wins. */
  int chunkSectors();

  /**
   * Reads the store into {@code table}, or creates a store if there is none.
   *
   * @param origin no exception may be for a chunk beyond its end, and no chunk smaller than its
   *     block
   * @return whether the snapshot is valid; fails with a {@link StoreException} that says what is
   *     wrong, in which case nothing was written
   */
  CompletionStage<Boolean> load(ExceptionTable table, BlockDevice origin);

  /** Reserves up to {@code most} consecutive chunks for data; null if the store is full. */
  @Nullable Allocation allocate(int most);

  /**
   * Runs {@code then} without the lock once the allocated chunks may be written. Called once for
   * each allocation, in the order of allocation.
   */
  void whenWritable(Allocation allocation, Runnable then);

  /**
   * Makes exceptions durable. Called once for each allocation, in the order of allocation.
   *
   * @param copied whether the data is in place; if not, the store becomes invalid
   * @param done true once the exceptions are durable, false if the store has become invalid
   */
  void commit(long old, Allocation allocation, boolean copied, Done done);

  /**
   * Durably marks the store as invalid, so that it is never used again.
   *
   * @param done after the last attempt: null for success; after an error the store still looks
   *     valid
   */
  void invalidate(Committed done);

  /** Whether {@link #prepareMerge} would find an exception. */
  boolean canMerge();

  /**
   * Finds the last exceptions of the list: at most {@code most}, and at least one if there is one.
   * From now until they are merged or abandoned, nothing may be allocated or uncommitted.
   */
  void prepareMerge(int most, Prepared prepared);

  /**
   * Durably removes the last {@code count} exceptions from the list.
   *
   * @param done null for success; after an error it is unknown whether they are still on the list,
   *     and the call may be repeated
   */
  void commitMerge(int count, Committed done);

  /** The number of exceptions on the list. */
  long exceptions();

  /** The numbers of the status line. */
  Usage usage();

  /** {@code count} chunks from {@code newChunk} on. */
  record Allocation(long newChunk, int count) {}

  /** In sectors; {@code metadata} is part of {@code allocated}. */
  record Usage(long allocated, long total, long metadata) {
    @Override
    public String toString() {
      return allocated + "/" + total + " " + metadata;
    }
  }

  /** The result of {@link #commit}. */
  @FunctionalInterface
  interface Done {
    void committed(boolean valid);
  }

  /** The result of {@link #prepareMerge}: the batch; null if the list is empty or on an error. */
  @FunctionalInterface
  interface Prepared {
    void prepared(@Nullable MergeBatch batch, @Nullable IoError error);
  }

  /** The result of {@link #commitMerge} and {@link #invalidate}. */
  @FunctionalInterface
  interface Committed {
    void committed(@Nullable IoError error);
  }
}
