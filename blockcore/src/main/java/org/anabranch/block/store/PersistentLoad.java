// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a store: creates one if chunk 0 starts with zeros, refuses what is not a store, and
 * otherwise reads the exceptions.
 *
 * <p>As in Linux, the header is read with the table's chunk size, the chunk size on disk wins, and
 * nothing more of a store marked as invalid is read.
 *
 * <p>The COW device is flushed first. A process that was killed may have left records in the
 * kernel's cache that are not durable. If those were believed, the origin could be overwritten for
 * good, and a power cut would then take the record back.
 */
final class PersistentLoad {
  private static final Logger LOG = LoggerFactory.getLogger(PersistentLoad.class);

  /** The store that was found or created. */
  record Loaded(StoreLayout layout, boolean valid, StoreScan.End end) {}

  private final BlockDevice cow;
  private final StoreLayout layout;
  private final boolean byDefault;
  private final ExceptionTable table;
  private final BlockDevice origin;

  PersistentLoad(
      BlockDevice cow,
      StoreLayout layout,
      boolean byDefault,
      ExceptionTable table,
      BlockDevice origin) {
    this.cow = cow;
    this.layout = layout;
    this.byDefault = byDefault;
    this.table = table;
    this.origin = origin;
  }

  CompletionStage<Loaded> load() {
    if (cow.sectors() < layout.chunkSectors()) {
      return refuse(
          "%s has %d sectors, which is less than a chunk of %d"
              .formatted(cow.name(), cow.sectors(), layout.chunkSectors()));
    }
    return StoreIo.flush(cow)
        .thenCompose(error -> {
          if (error != null) {
            LOG.warn(
                "{}: it can't be synced: {}. What a process that was killed left in it may not"
                    + " survive a power failure.",
                cow.name(),
                error.message());
          }
          return StoreIo.read(cow, 0, 512, "the header");
        })
        .thenCompose(sector -> {
          StoreLayout.Header header = StoreLayout.Header.read(sector);
          return header.magic() == 0 ? make() : read(header);
        });
  }

  private CompletionStage<Loaded> make() {
    if (layout.chunksIn(cow.sectors()) < 2) {
      return refuse(
          "%s has %d sectors: no room for area 0 at sector %d"
              .formatted(cow.name(), cow.sectors(), layout.sector(1)));
    }
    ByteBuffer area = ByteBuffer.allocateDirect(layout.chunkBytes()).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer header =
        new StoreLayout.Header(StoreLayout.MAGIC, 1, StoreLayout.VERSION, layout.chunkSectors())
            .write(layout.chunkBytes());
    // Durable in this order: a valid header must never precede an area with other content.
    return StoreIo.write(cow, layout.sector(1), area, "area 0")
        .thenCompose(done -> StoreIo.write(cow, 0, header, "the header"))
        .thenApply(done -> new Loaded(layout, true, new StoreScan.End(0, 0, area, false, 2)));
  }

  private CompletionStage<Loaded> read(StoreLayout.Header header) {
    boolean overrides = !byDefault && header.chunkSectors() != layout.chunkSectors();
    if (header.magic() == StoreLayout.MAGIC && overrides) {
      LOG.warn(
          "{}: chunk size {} in device metadata overrides table chunk size of {}.",
          cow.name(),
          Integer.toUnsignedString(header.chunkSectors()),
          layout.chunkSectors());
    }
    String wrong = wrong(header, cow, cow.limits(), origin.limits());
    if (wrong != null) {
      return refuse(wrong);
    }
    StoreLayout found = new StoreLayout(header.chunkSectors());
    if (header.valid() == 0) {
      ByteBuffer nothing =
          ByteBuffer.allocateDirect(found.chunkBytes()).order(ByteOrder.LITTLE_ENDIAN);
      return CompletableFuture.completedFuture(
          new Loaded(found, false, new StoreScan.End(0, 0, nothing, false, 2)));
    }
    FirstProblem problem = new FirstProblem(found, cow.name());
    return new StoreScan(cow, found, origin.sectors(), table, problem)
        .scan()
        .thenCompose(end ->
            problem.text == null
                ? CompletableFuture.completedFuture(new Loaded(found, true, end))
                : refuse(problem.text()));
  }

  /**
   * Why a header that is not all zeros is wrong; null if it is not.
   *
   * @param devices a chunk must not be smaller than a block of these
   */
  static @Nullable String wrong(StoreLayout.Header header, BlockDevice cow, Limits... devices) {
    if (header.magic() != StoreLayout.MAGIC) {
      return "Invalid or corrupt snapshot: magic 0x%08x at byte 0 of %s is not 0x%08x"
          .formatted(header.magic(), cow.name(), StoreLayout.MAGIC);
    }
    if (header.version() != StoreLayout.VERSION) {
      return "unable to handle snapshot disk version %s (at byte 8 of %s)"
          .formatted(Integer.toUnsignedString(header.version()), cow.name());
    }
    String chunk = ChunkSize.wrong(header.chunkSectors(), devices);
    return chunk == null
        ? null
        : "invalid on-disk chunk size %s: %s (at byte 12 of %s)"
            .formatted(Integer.toUnsignedString(header.chunkSectors()), chunk, cow.name());
  }

  /** Keeps the first problem in the order of the list, and counts all. */
  private static final class FirstProblem implements StoreScan.Visitor {
    private final StoreLayout layout;
    private final String store;
    private @Nullable String text;
    private long area;
    private int record;
    private long count;

    FirstProblem(StoreLayout layout, String store) {
      this.layout = layout;
      this.store = store;
    }

    @Override
    public void problem(long inArea, int atRecord, String what) {
      count++;
      if (text == null || inArea < area || (inArea == area && atRecord < record)) {
        area = inArea;
        record = atRecord;
        text =
            "area %d at chunk %d, record %d (at byte %d of %s): %s"
                .formatted(
                    area,
                    layout.areaChunk(area),
                    record,
                    layout.areaChunk(area) * layout.chunkBytes()
                        + (long) record * StoreLayout.RECORD_BYTES,
                    store,
                    what);
      }
    }

    String text() {
      return text + (count == 1 ? "" : "; and " + (count - 1) + " more");
    }
  }

  private <T> CompletionStage<T> refuse(String what) {
    LOG.warn("persistent snapshot: {}", what);
    return CompletableFuture.failedFuture(new StoreException(what));
  }
}
