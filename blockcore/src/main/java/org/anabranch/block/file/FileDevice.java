// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoGate;
import org.anabranch.block.Limits;
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
 *   <dd>A read is tried on the submitting thread first, where it takes what the page cache holds
 *       ({@code preadv2} with {@code RWF_NOWAIT}) and never waits; so is a write, as long as that
 *       is quick ({@link QuickWrites}). What can't be done so, and everything else, goes to this
 *       file's own threads: at most {@link FileOptions#threads}, which end when they have nothing
 *       to do for a while. Completions come on the thread that did the work.
 *   <dt>What if those threads are all busy?
 *   <dd>Requests queue, at most {@link FileOptions#queue} of them. One more fails at once with
 *       {@link IoError.Kind#IO}: submit does not block, and layers above have bounds far below this
 *       one.
 *   <dt>What happens to flushes that come together?
 *   <dd>One {@code fdatasync} runs at a time, and all that came while it ran share the next one.
 *   <dt>What happens after a failed fdatasync?
 *   <dd>Nobody knows any more which writes are on the medium, and the kernel tells of it only once.
 *       So that flush fails, and from then on every flush fails and every change is refused as
 *       read-only, until the file is opened anew. Reads go on. A failed durable (FUA) write is the
 *       same case, unless it failed for lack of space. Durable writes alone are still tried: the
 *       success of one proves that its own bytes are on the medium, and nothing of what was lost.
 *       So a snapshot's store can still be marked as invalid.
 *   <dt>What happens when somebody outside cuts the file, or deletes it?
 *   <dd>It is noticed as {@link FileIntegrity} says, logged, and told by {@link #trouble}. Reads
 *       and block status of what is missing fail, and never take it for a hole. Every change and
 *       every flush fails from then on, durable writes included: they would leave gaps of zeros, or
 *       be lost when the file is closed. What is left can be read.
 *   <dt>What happens to a discard?
 *   <dd>It punches a hole, which reads as zeros. Where the file system can't, discards are refused,
 *       and {@link #limits} says so. {@code WRITE_ZEROES} writes zeros where the call is missing.
 *   <dt>What happens at close?
 *   <dd>What is in flight completes, the file is synced, closed and unlocked.
 *   <dt>What does it do without native calls?
 *   <dd>The same by a {@code FileChannel}: all on its own threads, no holes.
 * </dl>
 *
 * <p>The file is locked as long as it is open: for this process alone, or for readers when it is
 * read-only. See {@link FileOptions} for its making, {@link #open} for the refusals.
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
  private volatile @Nullable IoError broken; // a sync failed, for good; or the file is not whole
  private volatile @Nullable String trouble; // with broken: the file is not whole
  private @Nullable IoError unsynced; // guarded by this: what broken was before that
  private final FileIntegrity integrity;
  private boolean isClosing; // guarded by closing

  FileDevice(String name, FileOptions options, RawFile file, Object identity, long sectors) {
    this.name = name;
    this.options = options;
    this.file = file;
    this.identity = identity;
    this.sectors = sectors;
    this.integrity = new FileIntegrity(file);
    this.threads = new FileThreads(name, options.threads(), options.queue());
    this.flushes = new Flushes(this, threads, options.queue());
    this.discards = !(file instanceof ChannelFile);
  }

  /**
   * Opens a file.
   *
   * @param name what the device is called in messages and tables
   * @throws IOException in one line that begins with the path: there is no such file and no length
   *     was told to make it with; it is neither a regular file nor a block device; it is shorter
   *     than told; it can't be read or written; it is open in this process, or locked by another
   */
  public static FileDevice open(String name, Path path, FileOptions options) throws IOException {
    FileOpening.Opened opened = FileOpening.open(path, options);
    return new FileDevice(name, options, opened.file(), opened.identity(), opened.sectors());
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

  /** Completes a request, and counts it if it has failed. */
  void end(Io io, @Nullable IoError error) {
    if (error != null) {
      counters.increment(FileCounter.ERRORS);
    }
    io.complete(error);
  }

  /** What this file has counted since it was opened. */
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
    int wanted = io.data().remaining();
    int count = integrity.isDue() ? RawFile.NOT_NOW : file.writeNow(io.data(), io.sector() << 9);
    if (count == wanted) {
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

  /** The error for a request that finds no place to wait. */
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

  /** Whether the file is known not to zero a range by a call of its own. */
  boolean mustWriteZeros() {
    return !zeroes;
  }

  /** A request that took a thread has ended, {@code nanos} after it came. */
  void endThreaded(Io io, @Nullable IoError error, long nanos) {
    latencies.record(FileLatency.THREADED, nanos);
    end(io, error);
  }

  /** The file system has no such operation; it won't be asked for again. */
  void lacks(Io.Op op) {
    if (op == Io.Op.DISCARD) {
      discards = false;
    } else {
      zeroes = false;
    }
  }

  /**
   * Makes everything durable that was written; an error once it has failed, for good. Blocks: on
   * this file's threads only.
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
   * Looks whether the file is whole. Blocks: on this file's threads only.
   *
   * @return why it takes no changes, from now on or since an earlier look; null if it is whole
   */
  @Nullable IoError look() throws IOException {
    if (trouble == null && !options.readOnly() && integrity.look(sectors << 9) != null) {
      lookAgain();
    }
    return trouble == null ? null : broken;
  }

  /** Looks while nobody resizes the file, and draws the conclusion. */
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

  /** Up to which byte the file holds what it should, also where it was made longer again. */
  long present() throws IOException {
    return integrity.present();
  }

  /** A failed sync stays until the file is opened anew. */
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
    LOG.error("{}", error.message());
    return error;
  }

  private static String words(IOException e) {
    return String.valueOf(e.getMessage());
  }

  /**
   * What is new in a file reads as zeros, also where the file was longer than the device. A block
   * device must have grown already, and its new part reads as what is there.
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
    sectors = Math.min(before, newSectors); // nothing new behind what will be the end
    try {
      if (newSectors > before) {
        file.resize(before << 9); // whatever is behind the end was never the device's
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
    IoError error = trouble == null ? broken : null; // which trouble() tells
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
