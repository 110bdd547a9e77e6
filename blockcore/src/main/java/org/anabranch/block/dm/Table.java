// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * The targets of a mapped device, in the order of their ranges, and the dispatch of requests.
 *
 * <p>A request within one target's range is passed on unchanged. One that crosses a border is split
 * and completes when the last piece has; the failed piece with the lowest sector decides the error.
 * A flush goes to every target. A block status request goes to the first target only, whose answer
 * covers its part of the range.
 *
 * <p>Immutable, except for what its targets do. Life-cycle calls come one at a time.
 */
final class Table {
  /** A target, its range, the devices that it holds open, and what must be released after it. */
  record Row(
      long start,
      long length,
      Target target,
      List<BlockDevice> devices,
      Supplier<CompletionStage<@Nullable Void>> release) {
    Row {
      devices = List.copyOf(devices);
    }

    long end() {
      return start + length;
    }
  }

  private final List<Row> rows;

  /** First sectors of the rows. */
  private final long[] starts;

  /** The end of the last row. */
  private final long end;

  /** The devices that the rows hold open, each once. */
  private final List<BlockDevice> devices;

  /** The last result of {@link #limits}. Any thread; all compute the same. */
  private volatile @Nullable Folded folded;

  Table(List<Row> rows) {
    this.rows = List.copyOf(rows);
    this.starts = rows.stream().mapToLong(row -> row.start).toArray();
    this.end = rows.getLast().end();
    this.devices = rows.stream().flatMap(row -> row.devices.stream()).distinct().toList();
  }

  long sectors() {
    return end;
  }

  int size() {
    return rows.size();
  }

  /** Takes ownership of {@code io} and completes it exactly once. */
  void submit(Io io) {
    if (io.op() == Io.Op.FLUSH) {
      flush(io);
      return;
    }
    if (io.end() > end) {
      io.complete(IoError.outOfRange(io, end));
      return;
    }
    if (io.sectors() == 0) {
      io.complete(null);
      return;
    }
    int first = rowAt(io.sector());
    Row row = rows.get(first);
    if (io.end() <= row.end()) {
      io.remap(io.sector() - row.start);
      row.target.map(io);
    } else if (io.op() == Io.Op.BLOCK_STATUS) {
      askFirst(io, row);
    } else {
      split(io, first);
    }
  }

  private void flush(Io io) {
    if (rows.size() == 1) {
      rows.getFirst().target.map(io);
      return;
    }
    Pieces pieces = new Pieces(io, rows.size());
    for (int i = 0; i < rows.size(); i++) {
      rows.get(i).target.map(pieces.next(0, 0));
    }
  }

  private void split(Io io, int first) {
    int last = rowAt(io.end() - 1);
    long sector = io.sector();
    long ioEnd = io.end();
    Pieces pieces = new Pieces(io, last - first + 1);
    long offset = 0;
    for (int i = first; i <= last; i++) {
      Row row = rows.get(i);
      long count = Math.min(ioEnd, row.end()) - sector;
      Io piece = pieces.next(offset, count);
      piece.remap(sector - row.start);
      row.target.map(piece);
      offset += count;
      sector += count;
    }
  }

  private static void askFirst(Io io, Row row) {
    Io question =
        io.slice(
            0,
            row.end() - io.sector(),
            (answer, error) -> {
              if (error == null) {
                io.answer(answer.allocated(), answer.statusSectors());
              }
              io.complete(error);
            });
    question.remap(io.sector() - row.start);
    row.target.map(question);
  }

  /** Whether a target that the range touches {@linkplain Target#delaysWrite delays} a write. */
  boolean delaysWrite(long sector, long sectors) {
    return anyRow(
        sector, sectors, (row, at, count) -> row.target.delaysWrite(at - row.start, count));
  }

  /** Whether all targets that the range touches {@linkplain Target#hasAccepted have taken} it. */
  boolean hasAccepted(long sector, long sectors) {
    return !anyRow(
        sector, sectors, (row, at, count) -> !row.target.hasAccepted(at - row.start, count));
  }

  /** Whether a target {@linkplain Target#mayRefuse may refuse} a write that waited. */
  boolean mayRefuse() {
    for (Row row : rows) {
      if (row.target.mayRefuse()) {
        return true;
      }
    }
    return false;
  }

  /** A question about a part of a row. */
  private interface Question {
    boolean ask(Row row, long sector, long sectors);
  }

  private boolean anyRow(long sector, long sectors, Question question) {
    long until = Math.min(end, sector + sectors);
    for (long at = sector; at < until; ) {
      Row row = rows.get(rowAt(at));
      long count = Math.min(until, row.end()) - at;
      if (question.ask(row, at, count)) {
        return true;
      }
      at += count;
    }
    return false;
  }

  private int rowAt(long sector) {
    int low = 0;
    int high = starts.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (starts[middle] <= sector) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** The target at {@code sector}, or null. */
  @Nullable Target targetAt(long sector) {
    return sector < 0 || sector >= end ? null : rows.get(rowAt(sector)).target;
  }

  /** The combined limits of the targets ({@link Limits#and}). Cached, since every write asks. */
  Limits limits() {
    Folded last = folded;
    if (last == null || !last.isOf(devices)) {
      last = fold();
      folded = last;
    }
    return last.all;
  }

  private Folded fold() {
    List<Limits> below = devices.stream().map(BlockDevice::limits).toList();
    Limits all = rows.getFirst().target.limits();
    for (int i = 1; i < rows.size(); i++) {
      all = all.and(rows.get(i).target.limits());
    }
    return new Folded(below, all);
  }

  /** The limits of all rows, and those of the devices below from which they were computed. */
  private record Folded(List<Limits> below, Limits all) {
    boolean isOf(List<BlockDevice> devices) {
      for (int i = 0; i < below.size(); i++) {
        if (!devices.get(i).limits().equals(below.get(i))) {
          return false;
        }
      }
      return true;
    }
  }

  /** Refuses rows that are not aligned to the logical blocks of the whole device. */
  void checkAlignment() throws RowException {
    int block = limits().logicalBlockSize() >> 9;
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      if (row.start % block != 0 || row.length % block != 0) {
        throw new RowException(
            i, "start and length not aligned to h/w logical block size " + (block << 9));
      }
    }
  }

  /** This table as a value, with the current names of its devices. */
  TableSpec spec() {
    return new TableSpec(
        rows.stream()
            .map(row -> new TableSpec.Row(row.start, row.length, row.target.spec()))
            .toList());
  }

  /** The devices that its targets hold open, each once. */
  List<BlockDevice> devices() {
    return devices;
  }

  /** The targets that implement {@code kind}, in the order of their rows. */
  <T> List<T> targets(Class<T> kind) {
    return rows.stream().map(Row::target).filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The status as {@code dmsetup status} prints it, one line for each row. */
  String status() {
    List<String> lines = new ArrayList<>(rows.size());
    for (Row row : rows) {
      String type = row.target.spec().type();
      lines.add(TableText.print(row.start, row.length, type, row.target.status()));
    }
    return String.join("\n", lines);
  }

  CompletionStage<@Nullable Void> preresume() {
    return oneByOne(Target::preresume);
  }

  void resume() {
    rows.forEach(row -> row.target.resume());
    folded = null; // a handover may have changed the chunk size
  }

  CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
    return oneByOne(target -> target.presuspend(mode));
  }

  void postsuspend() {
    rows.forEach(row -> row.target.postsuspend());
  }

  /** Closes every target, even if closing another one fails, then releases its devices. */
  CompletionStage<@Nullable Void> close() {
    return close(rows);
  }

  static CompletionStage<@Nullable Void> close(List<Row> rows) {
    List<CompletableFuture<@Nullable Void>> closing = new ArrayList<>(rows.size());
    for (Row row : rows) {
      closing.add(
          row.target
              .close()
              .handle(
                  (done, failure) -> row.release.get().thenCompose(released -> outcome(failure)))
              .thenCompose(released -> released)
              .toCompletableFuture());
    }
    return CompletableFuture.allOf(closing.toArray(CompletableFuture<?>[]::new));
  }

  private static CompletionStage<@Nullable Void> outcome(@Nullable Throwable failure) {
    return failure == null
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.failedFuture(failure);
  }

  private CompletionStage<@Nullable Void> oneByOne(
      Function<Target, CompletionStage<@Nullable Void>> step) {
    CompletionStage<@Nullable Void> all = CompletableFuture.completedFuture(null);
    for (Row row : rows) {
      all = all.thenCompose(done -> step.apply(row.target));
    }
    return all;
  }
}
