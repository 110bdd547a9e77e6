// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoGate;
import org.anabranch.block.IoSplit;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;

/**
 * An export of an NBD server as a block device.
 *
 * <dl>
 *   <dt>What if the connection is lost?
 *   <dd>Requests wait while the device connects again, at most {@link NbdOptions#outageNanos}; then
 *       they fail, and so do new ones until there is a connection. {@link #interruption} says so.
 *   <dt>What if the server lost what it had acknowledged?
 *   <dd>A server that dies may lose writes that were not flushed. The device keeps these ({@link
 *       UnflushedWrites}) and makes them again on the next connection, before anything else. Beyond
 *       a limit it flushes by itself, and a write that finds no room is acknowledged when it is
 *       durable.
 *   <dt>What if a flush fails, or a write that is made again?
 *   <dd>It is unknown what the server has. Every later flush fails, and every change is refused as
 *       read-only, until the device is opened again. Reads continue.
 *   <dt>What if the server does not support an operation?
 *   <dd>Zeros are written as data, a durable write is followed by a flush, discards are refused,
 *       and everything counts as allocated. A server without flush is taken at its word that
 *       whatever it acknowledges is durable.
 *   <dt>How many requests wait?
 *   <dd>At most {@link NbdQueue#MAX_WAITING}; further ones fail at once.
 * </dl>
 */
public final class NbdDevice implements BackingDevice {
  /** The longest discard or write of zeros in one command: its length has 32 bits. */
  private static final long MAX_RANGE_SECTORS = 1L << 21;

  private final String name;
  private final NbdExport export;
  private final NbdOptions options;
  private final NbdTerms terms;
  private final NbdQueue queue;
  private final Counts counts = new Counts();
  private final Counters<IoCounter> ios = counts.counters(IoCounter.class);
  private final Counters<NbdCounter> counters = counts.counters(NbdCounter.class);
  private final IoGate gate = new IoGate(true);
  private final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();

  @GuardedBy("this")
  private boolean isClosing;

  /** Why the last flush failed. */
  @GuardedBy("this")
  private @Nullable IoError lastError;

  private NbdDevice(
      String name, NbdExport export, NbdOptions options, NbdTerms terms, Scheduler scheduler) {
    this.name = name;
    this.export = export;
    this.options = options;
    this.terms = terms;
    this.queue = new NbdQueue(name, flushes(), scheduler);
  }

  /**
   * Connects to an export. Blocks, at most as long as the options allow for a handshake.
   *
   * @param name the device's name in messages and tables
   * @throws NbdRefusedException when the server refuses the export
   * @throws IOException with a message of one line that does not name the server: it cannot be
   *     reached or does not answer, is no NBD server, or serves blocks that do not fit the options
   */
  public static NbdDevice open(
      String name, NbdExport export, NbdOptions options, Scheduler scheduler) throws IOException {
    NbdConnection connection = NbdConnection.open(export, options, scheduler);
    NbdTerms terms = connection.terms();
    String misfit =
        terms.minBlock() > options.logicalBlockSize()
            ? "the NBD server serves blocks of "
                + terms.minBlock()
                + " bytes and no smaller ones; give the volume block-size = "
                + terms.minBlock()
            : terms.sectors() == 0 ? "the export has no contents" : null;
    if (misfit == null && !options.readOnly() && terms.has(NbdTerms.READ_ONLY)) {
      misfit = "the NBD server exports it for reading only";
    }
    if (misfit != null) {
      connection.close();
      throw new NbdRefusedException(misfit);
    }
    NbdDevice device = new NbdDevice(name, export, options, terms, scheduler);
    new NbdLink(name, export, options, device.queue, scheduler, device.counters)
        .start(connection, device::ended);
    return device;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Object identity() {
    return export;
  }

  @Override
  public long sectors() {
    return terms.sectors();
  }

  @Override
  public Limits limits() {
    return new Limits(
            options.logicalBlockSize(),
            options.physicalBlockSize(),
            options.readOnly() || queue.broken() != null,
            terms.has(NbdTerms.SEND_TRIM),
            false,
            Math.max(1, options.physicalBlockSize() >> 9))
        .withHolesReadZero(terms.allocation() >= 0);
  }

  /** Whether the server can make writes durable on request. */
  public boolean flushes() {
    return terms.has(NbdTerms.SEND_FLUSH);
  }

  @Override
  public Counts counts() {
    return counts;
  }

  @Override
  public void submit(Io io) {
    if (!gate.enter(io)) {
      end(io, IoError.of(IoError.Kind.GONE, name + " is closed"));
    } else if (io.end() > sectors()) {
      end(io, IoError.outOfRange(io, sectors()));
    } else if (io.sectors() == 0 && io.op() != Io.Op.FLUSH) {
      io.complete(null);
    } else if (io.modifies() && (options.readOnly() || queue.broken() != null)) {
      end(io, readOnly());
    } else {
      IoCounter.count(ios, io);
      io.push(this::end);
      start(io);
    }
  }

  private void end(Io io, @Nullable IoError error) {
    if (error != null) {
      counters.increment(NbdCounter.ERRORS);
    }
    io.complete(error);
  }

  private IoError readOnly() {
    return IoError.of(
        IoError.Kind.READ_ONLY,
        name + " is read-only" + (options.readOnly() ? "" : " since a flush failed"));
  }

  private void start(Io io) {
    if (io.fua() && !terms.has(NbdTerms.SEND_FUA) && flushes()) {
      io.push(this::flushAfter);
    }
    switch (io.op()) {
      case READ, WRITE -> IoSplit.divide(io, terms.maxPayload() >> 9, queue::submit);
      case FLUSH -> flush(io);
      case DISCARD -> {
        if (terms.has(NbdTerms.SEND_TRIM)) {
          IoSplit.divide(io, MAX_RANGE_SECTORS, queue::submit);
        } else {
          io.complete(IoError.of(IoError.Kind.NOT_SUPPORTED, name + " does not discard"));
        }
      }
      case WRITE_ZEROES -> {
        if (terms.has(NbdTerms.SEND_WRITE_ZEROES)) {
          IoSplit.divide(io, MAX_RANGE_SECTORS, queue::submit);
        } else {
          new ZerosAsData(io).next();
        }
      }
      case BLOCK_STATUS -> {
        if (terms.allocation() >= 0 && io.sectors() <= MAX_RANGE_SECTORS) {
          queue.submit(io);
        } else if (terms.allocation() >= 0) {
          askForLess(io);
        } else {
          io.answer(true, io.sectors());
          io.complete(null);
        }
      }
    }
  }

  private void askForLess(Io io) {
    queue.submit(
        io.slice(
            0,
            MAX_RANGE_SECTORS,
            (part, error) -> {
              if (error == null) {
                io.answer(part.allocated(), part.statusSectors());
              }
              io.complete(error);
            }));
  }

  private void flush(Io io) {
    if (flushes()) {
      queue.submit(io);
    } else {
      io.complete(null);
    }
  }

  /** A durable write for a server that knows no durable writes. */
  private void flushAfter(Io io, @Nullable IoError error) {
    if (error != null) {
      io.complete(error);
    } else {
      queue.submit(Io.flush((flush, failure) -> io.complete(failure)));
    }
  }

  /** A write of zeros, in pieces one after the other, for a server that has no command for it. */
  private final class ZerosAsData {
    private static final int PIECE_SECTORS = 512;
    private static final ByteBuffer ZEROS =
        ByteBuffer.allocateDirect(PIECE_SECTORS << 9).asReadOnlyBuffer();

    private final Io io;
    private long done;

    ZerosAsData(Io io) {
      this.io = io;
    }

    void next() {
      int count =
          (int) Math.min(Math.min(PIECE_SECTORS, terms.maxPayload() >> 9), io.sectors() - done);
      boolean fua = io.fua() && terms.has(NbdTerms.SEND_FUA);
      queue.submit(Io.write(io.sector() + done, ZEROS.slice(0, count << 9), fua, this::wrote));
    }

    private void wrote(Io piece, @Nullable IoError error) {
      done += piece.sectors();
      if (error != null || done == io.sectors()) {
        io.complete(error);
      } else {
        next();
      }
    }
  }

  @Override
  public @Nullable String failure() {
    synchronized (this) {
      if (isClosing) {
        return null;
      }
    }
    IoError broken = queue.broken();
    return broken == null ? null : broken.message();
  }

  @Override
  public @Nullable String interruption() {
    return queue.interruption();
  }

  /** What was not flushed is flushed. Waits for an interrupted connection as requests do. */
  @Override
  public CompletionStage<@Nullable Void> close() {
    synchronized (this) {
      if (isClosing) {
        return closed;
      }
      isClosing = true;
    }
    gate.shut()
        .thenAccept(empty -> {
          if (options.readOnly() || !flushes()) {
            close(null);
          } else {
            queue.submit(Io.flush((flush, error) -> close(error)));
          }
        });
    return closed;
  }

  /** The stage of {@link #close}, without closing. */
  public CompletionStage<@Nullable Void> whenClosed() {
    return closed;
  }

  private void close(@Nullable IoError error) {
    synchronized (this) {
      lastError = error;
    }
    queue.end();
  }

  /** The connection is closed. */
  private void ended() {
    IoError error;
    synchronized (this) {
      error = lastError;
    }
    if (error == null) {
      closed.complete(null);
    } else {
      closed.completeExceptionally(error.toException());
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
