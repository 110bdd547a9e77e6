// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/**
 * The content of a persistent store and its errors. For examining a store that is not in use, ours
 * as well as Linux's or LVM2's. Writes nothing.
 *
 * @param header as found
 * @param layout null if the header is invalid; nothing else was read then
 * @param runs the list in its order, as runs in both numberings, at most {@link #MAX_RUNS}
 * @param exceptions the number of exceptions
 * @param areas the number of areas that the list uses
 * @param stale whether there are records after the list's end
 * @param status as in the status line: {@code allocated/total metadata}, {@code Invalid} or, for a
 *     device without a store, {@code new}
 * @param problems what is wrong and where, at most {@link #MAX_PROBLEMS}
 * @param problemCount the number of problems
 */
public record StoreReport(
    StoreLayout.Header header,
    @Nullable StoreLayout layout,
    List<Run> runs,
    long exceptions,
    long areas,
    boolean stale,
    String status,
    List<String> problems,
    long problemCount) {
  /** The largest number of runs listed. */
  public static final int MAX_RUNS = 1_000_000;

  /** The largest number of problems listed. */
  public static final int MAX_PROBLEMS = 100;

  /**
   * Consecutive records.
   *
   * @param area the area, from 0
   * @param record the index of the first record in the area
   * @param old first chunk of the origin
   * @param newChunk first chunk of the COW device
   * @param count the number of chunks
   */
  public record Run(long area, int record, long old, long newChunk, int count) {}

  /** Whether the store has no problem. */
  public boolean sound() {
    return problemCount == 0;
  }

  /**
   * Reads a store, which must not be written at the same time.
   *
   * @param originSectors length of the origin; Long.MAX_VALUE if unknown
   * @return the report, whatever is wrong with the store; fails with a {@link StoreException} only
   *     if the header cannot be read
   */
  public static CompletionStage<StoreReport> read(BlockDevice cow, long originSectors) {
    if (cow.sectors() < 1) {
      return CompletableFuture.failedFuture(new StoreException(cow.name() + " is empty"));
    }
    return StoreIo.read(cow, 0, 512, "the header")
        .thenCompose(sector -> {
          StoreLayout.Header header = StoreLayout.Header.read(sector);
          if (header.magic() == 0) {
            return CompletableFuture.completedFuture(without(header, "new", List.of()));
          }
          String wrong = PersistentLoad.wrong(header, cow, cow.limits());
          return wrong == null
              ? new Collector(cow, header, originSectors).collect()
              : CompletableFuture.completedFuture(without(header, "unusable", List.of(wrong)));
        });
  }

  private static StoreReport without(
      StoreLayout.Header header, String status, List<String> problems) {
    return new StoreReport(header, null, List.of(), 0, 0, false, status, problems, problems.size());
  }

  private static final class Collector implements StoreScan.Visitor {
    private final BlockDevice cow;
    private final StoreLayout.Header header;
    private final StoreLayout layout;
    private final long originSectors;

    // Used by one call of the scan at a time.
    private final List<Run> runs = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private long exceptions;
    private long problemCount;

    Collector(BlockDevice cow, StoreLayout.Header header, long originSectors) {
      this.cow = cow;
      this.header = header;
      this.layout = new StoreLayout(header.chunkSectors());
      this.originSectors = originSectors;
    }

    CompletionStage<StoreReport> collect() {
      return new StoreScan(cow, layout, originSectors, new ExceptionTable(), this)
          .scan()
          .handle((end, failure) -> {
            if (failure != null) {
              Throwable cause = failure.getCause() == null ? failure : failure.getCause();
              add(String.valueOf(cause.getMessage()));
            }
            return report(end);
          });
    }

    private StoreReport report(StoreScan.@Nullable End end) {
      long areas = end == null ? 0 : end.area() + 1;
      String status = "unusable";
      if (header.valid() == 0) {
        status = "Invalid";
      } else if (end != null && problemCount == 0) {
        status =
            new ExceptionStore.Usage(
                    layout.sector(layout.skipMetadata(end.behindNew())),
                    cow.sectors(),
                    layout.sector(areas + 1))
                .toString();
      }
      boolean stale = end != null && end.stale();
      return new StoreReport(
          header, layout, runs, exceptions, areas, stale, status, problems, problemCount);
    }

    @Override
    public void run(long area, int record, long old, long newChunk, int count) {
      exceptions += count;
      if (runs.size() < MAX_RUNS) {
        runs.add(new Run(area, record, old, newChunk, count));
      }
    }

    @Override
    public void problem(long area, int record, String what) {
      add(
          "area %d at chunk %d, record %d: %s"
              .formatted(area, layout.areaChunk(area), record, what));
    }

    private void add(String problem) {
      problemCount++;
      if (problems.size() < MAX_PROBLEMS) {
        problems.add(problem);
      }
    }
  }
}
