// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.history.BlockHistory;
import org.anabranch.initiator.history.SectorPattern;
import org.jspecify.annotations.Nullable;

/**
 * Random reads and writes of a range that was blank, each read checked with the {@link
 * BlockHistory}.
 *
 * <p>Each of the {@code queueDepth} lanes is a thread that runs one operation after the other.
 * Lanes overlap, so reads and writes of the same sectors meet in the target. When the connection is
 * lost, the first lane to notice asks the {@link Connector} for a new one.
 */
public final class VerifiedWorkload {
  /** Connects to the disk, at the start and whenever the connection was lost. */
  @FunctionalInterface
  public interface Connector {
    /** Called by one thread at a time; may block. */
    Disk connect() throws IOException, InterruptedException;
  }

  /** What a run has done. */
  public record Report(long reads, long writes, long flushes, long discards, long reconnects) {
    public long operations() {
      return reads + writes + flushes + discards;
    }
  }

  private static final int SECTOR = SectorPattern.SECTOR;

  /** The timeout for any response of the target, in seconds. */
  private static final int PATIENCE = 60;

  private final Connector connector;
  private final WorkloadOptions options;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean stopped;
  private final AtomicLong issued = new AtomicLong();
  private final AtomicLong reads = new AtomicLong();
  private final AtomicLong writes = new AtomicLong();
  private final AtomicLong flushes = new AtomicLong();
  private final AtomicLong discards = new AtomicLong();

  // Guarded by this. The history has its own lock, which is taken after this one.
  private @Nullable Disk disk;
  private @Nullable BlockHistory history;
  private long reconnects;

  public VerifiedWorkload(Connector connector, WorkloadOptions options) {
    this.connector = connector;
    this.options = options;
  }

  /** A workload on one disk, which fails if the connection is lost. */
  public static VerifiedWorkload on(Disk disk, WorkloadOptions options) {
    List<Disk> once = new ArrayList<>(List.of(disk));
    return new VerifiedWorkload(
        () -> {
          if (once.isEmpty()) {
            throw new IscsiException("the connection was lost");
          }
          return once.removeLast();
        },
        options);
  }

  /**
   * Runs until the number of operations or the time is reached, then reads the whole range once
   * more. A further call continues.
   *
   * @throws VerificationException as soon as a read returns wrong data
   * @throws IOException if an operation fails unexpectedly
   */
  public Report run() throws IOException, VerificationException, InterruptedException {
    history();
    issued.set(0);
    stopped = false;
    long deadline = System.nanoTime() + options.duration().toNanos();
    SplittableRandom seeds = new SplittableRandom(options.seed());
    List<Thread> lanes = new ArrayList<>();
    for (int i = 0; i < options.queueDepth(); i++) {
      SplittableRandom random = seeds.split();
      lanes.add(Thread.ofVirtual().name("lane " + i).start(() -> lane(random, deadline)));
    }
    for (Thread lane : lanes) {
      lane.join();
    }
    rethrow();
    verifyAll();
    synchronized (this) {
      return new Report(reads.get(), writes.get(), flushes.get(), discards.get(), reconnects);
    }
  }

  /** Reads the whole range and checks it. */
  public void verifyAll() throws IOException, VerificationException, InterruptedException {
    Disk current = current();
    int blockSectors = current.blockSize() / SECTOR;
    int sectors = Math.toIntExact(options.blocks() * blockSectors);
    int step = Math.max(blockSectors, options.maxBytes() / SECTOR / blockSectors * blockSectors);
    ByteBuffer data = ByteBuffer.allocate(step * SECTOR);
    for (int first = 0; first < sectors; ) {
      int count = Math.min(step, sectors - first);
      try {
        read(current, first, data.clear().limit(count * SECTOR));
        first += count;
      } catch (IOException e) {
        current = afterFailure(current, e);
      }
    }
  }

  /** Ends {@link #run} as if its time were over. */
  public void stop() {
    stopped = true;
  }

  /** Calls {@link #run} on its own thread. */
  public CompletableFuture<Report> start() {
    CompletableFuture<Report> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("workload")
        .start(() -> {
          try {
            done.complete(run());
          } catch (Exception e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  private void rethrow() throws IOException, VerificationException, InterruptedException {
    switch (failure.get()) {
      case null -> {}
      case IOException e -> throw e;
      case VerificationException e -> throw e;
      case InterruptedException e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  private void lane(SplittableRandom random, long deadline) {
    try {
      Disk current = current();
      ByteBuffer data = ByteBuffer.allocate(options.maxBytes() + current.blockSize());
      while (failure.get() == null
          && !stopped
          && System.nanoTime() < deadline
          && issued.getAndIncrement() < options.operations()) {
        try {
          current = current();
          operation(current, random, data);
        } catch (IOException e) {
          current = afterFailure(current, e);
          // The connection may still be sending from the old one.
          data = ByteBuffer.allocate(data.capacity());
        }
      }
    } catch (Exception | AssertionError e) {
      failure.compareAndSet(null, e);
    }
  }

  private void operation(Disk on, SplittableRandom random, ByteBuffer data)
      throws IOException, VerificationException, InterruptedException {
    int kind = random.nextInt(100);
    int blockSectors = on.blockSize() / SECTOR;
    // Sizes are uniform on a logarithmic scale: many small ones, and large ones too.
    double size =
        options.minBytes()
            * Math.pow((double) options.maxBytes() / options.minBytes(), random.nextDouble());
    int blocks = (int) Math.min(options.blocks(), Math.ceilDiv((long) size, on.blockSize()));
    int first = Math.toIntExact(random.nextLong(options.blocks() - blocks + 1)) * blockSectors;
    boolean fua = random.nextInt(100) < options.fuaPercent();
    boolean reading = random.nextInt(100) < options.readPercent();
    data.clear().limit(blocks * on.blockSize());
    if (kind < options.flushPercent() || history().flushDue()) {
      flush(on);
    } else if (kind < options.flushPercent() + options.discardPercent()) {
      discard(on, first, blocks * blockSectors, blocks);
    } else if (reading) {
      read(on, first, data);
      reads.incrementAndGet();
    } else {
      write(on, first, data, fua);
    }
  }

  private void read(Disk on, int first, ByteBuffer data)
      throws IOException, VerificationException, InterruptedException {
    int count = data.remaining() / SECTOR;
    BlockHistory past = history();
    BlockHistory.Mark mark = past.beginRead();
    long[] values = null;
    int wrong;
    ByteBuffer got = data;
    try {
      got = Initiator.await(on.read(lba(on, first), data), PATIENCE);
      long[] found = new long[count];
      for (int i = 0; i < count; i++) {
        found[i] = SectorPattern.read(got, i * SECTOR, on.lun(), sector(on, first + i));
      }
      values = found;
    } finally {
      wrong = past.endRead(mark, first, values);
    }
    if (wrong >= 0) {
      throw new VerificationException(
          String.format(
              "seed %d, LUN %d: read of sectors %d+%d found %s at sector %d; %s",
              options.seed(),
              on.lun(),
              sector(on, first),
              count,
              SectorPattern.describe(got, (wrong - first) * SECTOR, on.lun(), sector(on, wrong)),
              sector(on, wrong),
              past.explain(wrong, mark)));
    }
  }

  private void write(Disk on, int first, ByteBuffer data, boolean fua)
      throws IOException, InterruptedException {
    int count = data.remaining() / SECTOR;
    BlockHistory past = history();
    BlockHistory.Write write = past.beginWrite(first, count, fua);
    boolean good = false;
    try {
      for (int i = 0; i < count; i++) {
        SectorPattern.write(data, i * SECTOR, on.lun(), sector(on, first + i), write.value());
      }
      long lba = lba(on, first);
      Initiator.await(fua ? on.writeThrough(lba, data) : on.write(lba, data), PATIENCE);
      good = true;
      writes.incrementAndGet();
    } finally {
      settle(past, write, good);
    }
  }

  private void discard(Disk on, int first, int count, int blocks)
      throws IOException, InterruptedException {
    BlockHistory past = history();
    BlockHistory.Write write = past.beginDiscard(first, count, options.discardZeroes());
    boolean good = false;
    try {
      Initiator.await(on.unmap(lba(on, first), blocks), PATIENCE);
      good = true;
      discards.incrementAndGet();
    } finally {
      settle(past, write, good);
    }
  }

  private static void settle(BlockHistory past, BlockHistory.Write write, boolean good) {
    if (good) {
      past.ended(write);
    } else {
      past.failed(write);
    }
  }

  private void flush(Disk on) throws IOException, InterruptedException {
    BlockHistory past = history();
    BlockHistory.Mark mark = past.beginFlush();
    Initiator.await(on.flush(), PATIENCE);
    past.flushed(mark);
    flushes.incrementAndGet();
  }

  private long lba(Disk on, int sector) {
    return options.firstBlock() + sector / (on.blockSize() / SECTOR);
  }

  /** The sector's number in its content: its position on the disk. */
  private long sector(Disk on, int inRange) {
    return options.firstBlock() * (on.blockSize() / SECTOR) + inRange;
  }

  private synchronized BlockHistory history() throws IOException, InterruptedException {
    Disk on = current();
    BlockHistory past = history;
    if (past == null) {
      int sectors = Math.toIntExact(options.blocks() * on.blockSize() / SECTOR);
      past = new BlockHistory(sectors, options.crashes());
      history = past;
    }
    return past;
  }

  /** The disk in use. */
  private synchronized Disk current() throws IOException, InterruptedException {
    Disk on = disk;
    if (on == null) {
      on = connector.connect();
      disk = on;
    }
    return on;
  }

  /** The disk with which a lane continues, if it does. */
  private synchronized Disk afterFailure(Disk failed, IOException error)
      throws IOException, InterruptedException {
    if (options.tolerated().test(error) && failed.session().isOpen()) {
      return current();
    }
    if (failed.session().isOpen()) {
      throw error;
    }
    if (failed.equals(disk)) {
      try {
        disk = connector.connect();
      } catch (IOException e) {
        e.addSuppressed(error);
        throw e;
      }
      reconnects++;
      BlockHistory past = Objects.requireNonNull(history);
      if (options.crashes()) {
        past.crashed();
      } else {
        past.reconnected();
      }
    }
    return current();
  }
}
