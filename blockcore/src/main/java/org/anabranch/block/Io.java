// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through block devices, like a bio in Linux.
 *
 * <p>An {@code Io} has one owner at a time, who submits it, queues it or completes it; so its
 * fields need no lock. Passing it to another thread must go through something that orders memory
 * accesses (a lock, a queue, an executor). Sectors are 512 bytes.
 *
 * <p>Completions form a stack. A layer that must see the end of a request adds an {@link
 * IoCompletion} with {@link #push}; {@link #complete} removes the newest one and calls it. The
 * callee then owns the {@code Io} again, with the sector range that it had at the push, and either
 * completes it in turn or submits it again. The completion at the bottom is the creator's, which
 * ends the request.
 */
public final class Io {
  /** What a request asks for. */
  public enum Op {
    /** Fill {@link #data} from the device. */
    READ,
    /** Store {@link #data} on the device. */
    WRITE,
    /** Make all writes durable that completed before this request was submitted. Has no range. */
    FLUSH,
    /** Release the range's storage. It then reads as zeros if {@link Limits#discardZeroes}. */
    DISCARD,
    /** Make the range read as zeros; keeps the storage allocated where the device supports that. */
    WRITE_ZEROES,
    /** Ask whether the first sector is allocated, and for how many sectors that is so. */
    BLOCK_STATUS
  }

  private static final int INITIAL_DEPTH = 4;

  private final Op op;
  private final boolean fua;
  private final @Nullable ByteBuffer data;
  private long sector;
  private long sectors;
  private boolean allocated;
  private long statusSectors;

  private @Nullable IoCompletion[] hooks = new @Nullable IoCompletion[INITIAL_DEPTH];
  private long[] saved = new long[2 * INITIAL_DEPTH];
  private int depth;

  private Io(
      Op op, long sector, long sectors, @Nullable ByteBuffer data, boolean fua, IoCompletion done) {
    if (sector < 0 || sectors < 0 || sector > Long.MAX_VALUE / 512 - sectors) {
      throw new IllegalArgumentException("sectors " + sector + "+" + sectors);
    }
    this.op = op;
    this.sector = sector;
    this.sectors = sectors;
    this.data = data;
    this.fua = fua;
    push(done);
  }

  /** A read of {@code data.remaining()} bytes, a multiple of 512, into a direct buffer. */
  public static Io read(long sector, ByteBuffer data, IoCompletion done) {
    return new Io(Op.READ, sector, wholeSectors(data), data, false, done);
  }

  /**
   * A write of {@code data.remaining()} bytes, a multiple of 512. With {@code fua} the data is
   * durable when the request completes.
   */
  public static Io write(long sector, ByteBuffer data, boolean fua, IoCompletion done) {
    return new Io(Op.WRITE, sector, wholeSectors(data), data, fua, done);
  }

  /** A flush of the whole device. */
  public static Io flush(IoCompletion done) {
    return new Io(Op.FLUSH, 0, 0, null, false, done);
  }

  /** A discard of {@code sectors} sectors. */
  public static Io discard(long sector, long sectors, IoCompletion done) {
    return new Io(Op.DISCARD, sector, sectors, null, false, done);
  }

  /** A write of zeros without a buffer; with {@code fua} they are durable on completion. */
  public static Io writeZeroes(long sector, long sectors, boolean fua, IoCompletion done) {
    return new Io(Op.WRITE_ZEROES, sector, sectors, null, fua, done);
  }

  /** A query for the allocation of at most {@code sectors} sectors from {@code sector} on. */
  public static Io blockStatus(long sector, long sectors, IoCompletion done) {
    return new Io(Op.BLOCK_STATUS, sector, sectors, null, false, done);
  }

  private static long wholeSectors(ByteBuffer data) {
    if ((data.remaining() & 511) != 0) {
      throw new IllegalArgumentException("not whole sectors: " + data.remaining() + " bytes");
    }
    return data.remaining() / 512L;
  }

  public Op op() {
    return op;
  }

  /** Whether the data must be durable when the request completes. */
  public boolean fua() {
    return fua;
  }

  /** First sector, relative to the device that holds the request now. */
  public long sector() {
    return sector;
  }

  /** Length in sectors; 0 for a flush. */
  public long sectors() {
    return sectors;
  }

  /** The sector after the last one of the range. */
  public long end() {
    return sector + sectors;
  }

  /** Whether this request changes what later reads return. */
  public boolean modifies() {
    return op == Op.WRITE || op == Op.DISCARD || op == Op.WRITE_ZEROES;
  }

  /**
   * The data of a read or write, between its position and its limit. Neither changes: a device
   * works on a duplicate. The buffer belongs to the creator and stays valid until the request
   * completes.
   */
  public ByteBuffer data() {
    return Objects.requireNonNull(data, "no data");
  }

  /** Moves the request to another sector, for the next device. */
  public void remap(long newSector) {
    if (newSector < 0 || newSector > Long.MAX_VALUE / 512 - sectors) {
      throw new IllegalArgumentException("sector " + newSector);
    }
    sector = newSector;
  }

  /** Adds a completion, which runs before those added earlier. */
  public void push(IoCompletion hook) {
    if (depth == hooks.length) {
      hooks = Arrays.copyOf(hooks, 2 * depth);
      saved = Arrays.copyOf(saved, 4 * depth);
    }
    hooks[depth] = hook;
    saved[2 * depth] = sector;
    saved[2 * depth + 1] = sectors;
    depth++;
  }

  /** Ends the request at this level: calls the newest completion. {@code null} means success. */
  public void complete(@Nullable IoError error) {
    if (depth == 0) {
      throw new IllegalStateException("completed twice: " + this);
    }
    depth--;
    IoCompletion hook = Objects.requireNonNull(hooks[depth]);
    hooks[depth] = null;
    sector = saved[2 * depth];
    sectors = saved[2 * depth + 1];
    hook.completed(this, error);
  }

  /**
   * Returns a request of the same operation for {@code count} sectors at {@code offset} within this
   * one. Its data is a view of this one's, its completion is {@code done}.
   */
  public Io slice(long offset, long count, IoCompletion done) {
    if (offset < 0 || count < 0 || offset + count > sectors) {
      throw new IllegalArgumentException(offset + "+" + count + " of " + this);
    }
    ByteBuffer view =
        data == null
            ? null
            : data.slice(data.position() + (int) (offset << 9), (int) (count << 9))
                .order(data.order());
    return new Io(op, sector + offset, count, view, fua, done);
  }

  /**
   * Answers a {@link Op#BLOCK_STATUS}: whether the first sector is allocated, and for how many
   * sectors (at least 1, limited to the range) that is so. Call it before {@code complete(null)}.
   */
  public void answer(boolean isAllocated, long count) {
    allocated = isAllocated;
    statusSectors = Math.min(Math.max(1, count), Math.max(1, sectors));
  }

  /** The answer: whether the first {@link #statusSectors} sectors are allocated. */
  public boolean allocated() {
    return allocated;
  }

  /** The answer: for how many sectors {@link #allocated} is valid. */
  public long statusSectors() {
    return statusSectors;
  }

  @Override
  public String toString() {
    return op + (fua ? " FUA " : " ") + sector + "+" + sectors;
  }
}
