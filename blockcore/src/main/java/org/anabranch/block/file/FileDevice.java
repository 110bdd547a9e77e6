// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoGate;
import org.anabranch.block.Limits;
import org.anabranch.block.RelievedThread;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.anabranch.block.count.Latencies;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file, or a Linux block device, as a block device.
 *
 * <dl>
 *   <dt>On which thread does a request run?
 *   <dd>A read is first tried on the submitting thread, where it returns what is in the page cache
 *       ({@code preadv2} with {@code RWF_NOWAIT}) and never blocks. A write is made there too, if
 *       that is a {@link RelievedThread} and as long as writes are quick ({@link QuickWrites}).
 *       Everything else, and what did not succeed, goes to the file's own threads: at most {@link
 *       FileOptions#threads}, of which one stays and the others end after some idle time. The
 *       thread that did the work completes the request.
 *   <dt>What if the system has no more threads to give?
 *   <dd>The threads that there are do the work, at least the one that was started with the file. A
 *       file for which not even that one can be started is not opened.
 *   <dt>What if all those threads are busy?
 *   <dd>Requests are queued, at most {@link FileOptions#queue} of them. Further ones fail at once
 *       with {@link IoError.Kind#IO}, because submit must not block, and the layers above have
 *       limits far below this one.
 *   <dt>What happens to flushes that arrive together?
 *   <dd>One {@code fdatasync} runs at a time. All flushes that arrive while it runs share the next.
 *   <dt>What happens after a failed fdatasync?
 *   <dd>It is unknown which writes reached the medium, and the kernel reports the error only once.
 *       So that flush fails, and afterwards every flush fails and every change is refused as
 *       read-only until the file is opened again. Reads continue. A failed durable (FUA) write has
 *       the same effect, unless it failed for lack of space. Only durable writes are still tried:
 *       the success of one proves that its own bytes are on the medium, and nothing about the lost
 *       ones. So a snapshot's store can still be marked as invalid.
 *   <dt>What happens after a failed write?
 *   <dd>It fails, and others are tried as before. {@link FailedWrites} remembers its place, and
 *       {@link #failedWrites} reports it, until that place has been written after all.
 *   <dt>What happens when the file is truncated or deleted from outside?
 *   <dd>{@link FileIntegrity} notices it; it is logged and reported by {@link #trouble}. Reads and
 *       block status requests of the missing part fail; it never counts as a hole. From then on
 *       every change and every flush fails, durable writes included: they would leave gaps of
 *       zeros, or be lost when the file is closed. What is left can be read.
 *   <dt>What happens to a discard?
 *   <dd>It punches a hole, which reads as zeros. If the file system cannot do that, discards are
 *       refused, and {@link #limits} says so. {@code WRITE_ZEROES} writes zeros if the system call
 *       is not supported.
 *   <dt>What happens at close?
 *   <dd>Requests in flight complete; then the file is synced, closed and unlocked.
 *   <dt>What happens without native calls?
 *   <dd>A {@code FileChannel} does the same work, always on the file's own threads, without holes.
 * </dl>
 *
 * <p>The file is locked while it is open: exclusively, or shared if it is read-only. {@link
 * FileOptions} says how a file is created, {@link #open} when it is refused.
 */
public final class FileDevice implements ResizableDevice {
  private static final Logger LOG = LoggerFactory.getLogger(FileDevice.class);

  private final String name;
  private final FileOptions options;
  private final RawFile file;
  private final Object identity;
  private final Counts counts = new Counts();
  private final Counters<IoCounter> ios = counts.counters(IoCounter.class);
  private final Counters<FileCounter> counters = counts.counters(FileCounter.class);
  private final Latencies<FileLatency> latencies = counts.latencies(FileLatency.class);
  private final FileThreads threads;
  private final Flushes flushes;
  private final IoGate gate = new IoGate(true);
  private final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  private final Object closing = new Object();

  private volatile long sectors; // written by one resize at a time, see there
  private volatile boolean discards = true; // true to false only
  private volatile boolean zeroes = true; // true to false only: the file can zero a range
  private volatile @Nullable IoError broken; // a sync failed, or the file is damaged
  private volatile @Nullable String trouble; // the file is damaged; set with broken

  /** The value of {@link #broken} before {@link #trouble} was set. */
  @GuardedBy("this")
  private @Nullable IoError unsynced;

  private final FailedWrites failedWrites = new FailedWrites();
  private final FileIntegrity integrity;
  private boolean isClosing; // guarded by closing

  /**
   * @throws IOException if no thread can be started for it
   */
  FileDevice(
      String name,
      FileOptions options,
      RawFile file,
      Object identity,
      long sectors,
      ThreadFactory factory)
      throws IOException {
    this.name = name;
    this.options = options;
    this.file = file;
    this.identity = identity;
    this.sectors = sectors;
    this.integrity = new FileIntegrity(file);
    this.threads = FileThreads.start(factory, options.threads(), options.queue());
    this.flushes = new Flushes(this, threads, options.queue());
    this.discards = !(file instanceof ChannelFile);
  }

  /**
   * Opens a file.
   *
   * @param name the device's name in messages and tables
   * @throws IOException with a message of one line that starts with the path: the file does not
   *     exist and no length to create it with was given; it is neither a regular file nor a block
   *     device; it is shorter than the given length; it cannot be read or written; it is open in
   *     this process, or locked by another one; no thread can be started for it
   */
  public static FileDevice open(String name, Path path, FileOptions options) throws IOException {
    return open(name, path, options, FileThreads.named(name));
  }

  /** The same with threads of this factory. */
  static FileDevice open(String name, Path path, FileOptions options, ThreadFactory factory)
      throws IOException {
    FileOpening.Opened opened = FileOpening.open(path, options);
    try {
      return new FileDevice(
          name, options, opened.file(), opened.identity(), opened.sectors(), factory);
    } catch (IOException e) {
      FileOpening.close(opened.file(), opened.identity());
      throw new IOException(path + ": " + e.getMessage(), e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Object identity() {
    return identity;
  }

  @Override
  public long sectors() {
    return sectors;
  }

  @Override
  public Limits limits() {
    return new Limits(
        options.logicalBlockSize(),
        options.physicalBlockSize(),
        options.readOnly() || broken != null,
        discards,
        discards,
        Math.max(1, options.physicalBlockSize() >> 9));
  }

  @Override
  public void submit(Io io) {
    if (!gate.enter(io)) {
      end(io, IoError.of(IoError.Kind.GONE, name + " is closed"));
      return;
    }
    if (io.end() > sectors) {
      end(io, IoError.outOfRange(io, sectors));
      return;
    } else if (io.sectors() == 0 && io.op() != Io.Op.FLUSH) {
      io.complete(null);
      return;
    } else if (io.modifies() && refusesChange(io)) {
      end(io, readOnly());
      return;
    }
    IoCounter.count(ios, io);
    if (io.op() == Io.Op.READ && !integrity.lacks(io.end() << 9)) {
      read(io);
    } else if (io.op() == Io.Op.WRITE && !io.fua()) {
      write(io);
    } else if (io.op() == Io.Op.FLUSH) {
      flushes.add(io);
    } else {
      hand(new FileWork(this, io, 0));
    }
  }

  /** Completes a request, and counts it if it failed. */
  void end(Io io, @Nullable IoError error) {
    if (error != null) {
      counters.increment(FileCounter.ERRORS);
    }
    io.complete(error);
  }

  /** The file's counters since it was opened. */
  @Override
  public Counts counts() {
    return counts;
  }

  private boolean refusesChange(Io io) {
    boolean provesItself = io.op() == Io.Op.WRITE && io.fua() && trouble == null;
    return options.readOnly() || (broken != null && !provesItself);
  }

  private void read(Io io) {
    int wanted = io.data().remaining();
    int count = file.readNow(io.data(), io.sector() << 9);
    if (count == wanted) {
      io.complete(null);
    } else {
      hand(new FileWork(this, io, Math.max(0, count)));
    }
  }

  private void write(Io io) {
    boolean quick = !integrity.isDue() && file.isQuick(io.data(), io.sector() << 9);
    if (!quick
        || !(Thread.currentThread() instanceof RelievedThread thread)
        || !thread.offer(() -> writeHere(io))) {
      hand(new FileWork(this, io, 0));
    }
  }

  /** Writes on a thread that is relieved when this blocks. */
  private void writeHere(Io io) {
    int wanted = io.data().remaining();
    int count = file.writeNow(io.data(), io.sector() << 9);
    if (count == wanted) {
      failedWrites.written(io.sector(), io.sectors());
      io.complete(null);
    } else {
      hand(new FileWork(this, io, Math.max(0, count)));
    }
  }

  private void hand(FileWork work) {
    counters.increment(FileCounter.THREADED);
    if (!flushes.follow(work) && !threads.offer(work)) {
      end(work.io(), tooMany());
    }
  }

  /** The error for a request that does not fit in the queue. */
  IoError tooMany() {
    return IoError.of(IoError.Kind.IO, name + ": " + options.queue() + " requests wait already");
  }

  private IoError readOnly() {
    String since = trouble == null ? " since a sync failed" : ", because it " + trouble;
    return IoError.of(
        IoError.Kind.READ_ONLY, name + " is read-only" + (broken == null ? "" : since));
  }

  RawFile file() {
    return file;
  }

  /** Whether the file is known not to support zeroing a range. */
  boolean mustWriteZeros() {
    return !zeroes;
  }

  /** A request that took a thread has ended, {@code nanos} after its arrival. */
  void endThreaded(Io io, @Nullable IoError error, long nanos) {
    latencies.record(FileLatency.THREADED, nanos);
    end(io, error);
  }

  /** A request has ended: remembers a write that failed, until its place is written after all. */
  void note(Io io, @Nullable IoError error) {
    if (io.op() != Io.Op.WRITE && io.op() != Io.Op.WRITE_ZEROES) {
      return;
    }
    if (error == null) {
      failedWrites.written(io.sector(), io.sectors());
    } else if (broken == null && error.kind() != IoError.Kind.NOT_SUPPORTED) {
      String reason = error.message().replace(name + ": ", "");
      failedWrites.failed(io.sector(), io.sectors(), Instant.now(), reason);
    }
  }

  @Override
  public @Nullable String failedWrites() {
    return failedWrites.words();
  }

  @Override
  public boolean forgetFailedWrites() {
    return failedWrites.forget();
  }

  /** The file system does not support the operation, which will not be tried again. */
  void lacks(Io.Op op) {
    if (op == Io.Op.DISCARD) {
      discards = false;
    } else {
      zeroes = false;
    }
  }

  /**
   * Makes all written data durable. Once this has failed, it always returns an error. Blocks: only
   * on this file's threads.
   */
  @Nullable IoError sync() {
    IoError before = broken;
    if (before != null) {
      return IoError.of(IoError.Kind.IO, before.message());
    }
    counters.increment(FileCounter.SYNCS);
    long begin = System.nanoTime();
    try {
      file.sync();
      latencies.record(FileLatency.SYNC, System.nanoTime() - begin);
      return look();
    } catch (IOException e) {
      return lost(e);
    }
  }

  /**
   * Checks whether the file is intact. Blocks: only on this file's threads.
   *
   * @return why it accepts no changes, as found now or earlier; null if it is intact
   */
  @Nullable IoError look() throws IOException {
    if (trouble == null && !options.readOnly() && integrity.look(sectors << 9) != null) {
      lookAgain();
    }
    return trouble == null ? null : broken;
  }

  /** Checks the file while no resize runs, and records the result. */
  private synchronized void lookAgain() throws IOException {
    String found = trouble == null ? integrity.look(sectors << 9) : null;
    if (found != null) {
      integrity.cut();
      unsynced = broken;
      trouble = found;
      broken = IoError.of(IoError.Kind.IO, name + " " + found + "; it takes no changes any more");
      LOG.error("{}", broken.message());
    }
  }

  /** The error for a request that found the file shorter than the device. */
  IOException endsEarly() throws IOException {
    lookAgain();
    return new IOException("the file ends early: it was cut from outside");
  }

  /** Whether bytes before {@code end} were cut off at some time. */
  boolean isCutBefore(long end) {
    return integrity.lacks(end);
  }

  /** The end of the intact part in bytes, even if the file was made longer again. */
  long present() throws IOException {
    return integrity.present();
  }

  /** A failed sync stays until the file is opened again. */
  @Override
  public synchronized boolean putRight() throws IOException {
    if (trouble != null && integrity.look(sectors << 9) == null) {
      integrity.restored();
      trouble = null;
      broken = unsynced;
      LOG.warn("{}: taken for whole again", name);
    }
    return broken == null;
  }

  @Override
  public @Nullable String trouble() {
    String found = trouble;
    return found == null ? null : name + " " + found + "; it takes no changes any more";
  }

  /** A write could not be made durable. */
  synchronized IoError lost(IOException e) {
    IoError error =
        new IoError(
            IoError.Kind.IO, -1, name + ": sync failed, read-only from here on: " + words(e), e);
    if (broken == null) {
      broken = error;
      LOG.error("{}", error.message());
    }
    return error;
  }

  /** The request failed: logs it, once and here. */
  IoError failed(Io io, long sector, IOException e) {
    IoError error = new IoError(FileError.kindOf(e), sector, name + ": " + io + ": " + words(e), e);
    LOG.error("{}: {}: {}", name, io, words(e)); // the name first: by it, repeats are summed up
    return error;
  }

  private static String words(IOException e) {
    return String.valueOf(e.getMessage());
  }

  /**
   * The new part of a file reads as zeros, even where the file was longer than the device. A block
   * device must have grown already, and its new part reads as what it contains.
   */
  @Override
  public CompletionStage<@Nullable Void> resize(long newSectors) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    boolean taken =
        threads.offer(() -> {
          try {
            resizeNow(newSectors);
            done.complete(null);
          } catch (IOException e) {
            done.completeExceptionally(e);
          }
        });
    if (!taken) {
      done.completeExceptionally(tooMany().toException());
    }
    return done;
  }

  private synchronized void resizeNow(long newSectors) throws IOException {
    if (newSectors < 1 || newSectors > Long.MAX_VALUE >> 9) {
      throw new IOException(name + ": cannot have " + newSectors + " sectors");
    }
    if (options.readOnly() || broken != null) {
      throw readOnly().toException();
    }
    long before = sectors;
    sectors = Math.min(before, newSectors); // no new data beyond the future end
    try {
      if (newSectors > before) {
        file.resize(before << 9); // data beyond the end never belonged to the device
      }
      file.resize(newSectors << 9);
      if (file.size() < newSectors << 9) {
        throw new IOException(name + ": has " + file.size() + " bytes and can't grow");
      }
    } catch (IOException e) {
      sectors = before;
      throw e;
    }
    IoError error = sync();
    if (error != null) {
      throw error.toException();
    }
    sectors = newSectors;
  }

  @Override
  public @Nullable String failure() {
    IoError error = trouble == null ? broken : null; // trouble() reports the rest
    synchronized (closing) {
      return error == null || isClosing ? null : error.message();
    }
  }

  @Override
  public boolean isSparse() {
    synchronized (closing) {
      if (isClosing || options.readOnly()) {
        return false;
      }
    }
    try {
      return file.nextHole(0) < sectors << 9;
    } catch (IOException e) {
      LOG.debug("{}: not known whether it is sparse", name, e);
      return false;
    }
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    synchronized (closing) {
      if (isClosing) {
        return closed;
      }
      isClosing = true;
    }
    gate.shut().thenAccept(done -> threads.end(this::closeNow));
    return closed;
  }

  private void closeNow() {
    IoError error = options.readOnly() ? null : sync();
    IOException failure = error == null ? null : error.toException();
    try {
      FileOpening.close(file, identity);
    } catch (IOException e) {
      failure = failure == null ? e : failure;
    }
    if (failure == null) {
      closed.complete(null);
    } else {
      closed.completeExceptionally(failure);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
