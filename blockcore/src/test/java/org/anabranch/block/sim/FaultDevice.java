// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Extendable;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.testing.FilterDevice;
import org.jspecify.annotations.Nullable;

/**
 * Fails the Nth request of a kind, and those after it if the fault is for ever; passes the others
 * on. What has happened when a request fails is left open, as with a real disk: a write, discard or
 * write of zeros may have been done in part, a read's buffer holds rubbish, and of what a failed
 * flush should have made durable nothing will be, not by the next flush either ({@link
 * SimDisk#loseUnflushed}).
 *
 * <p>What happens after a failed flush or FUA write?
 *
 * <pre>
 *   a drive      goes on: the next flush succeeds, and says nothing of what was lost
 *   a file       latches ({@link #latch}), as {@link org.anabranch.block.file.FileDevice} does: it
 *                is read-only, every flush fails, and only FUA writes, which prove just themselves,
 *                are taken; a FUA write that failed for lack of space is not the case
 * </pre>
 */
public final class FaultDevice extends FilterDevice implements Extendable {
  /**
   * One fault.
   *
   * @param op the kind of request that fails
   * @param nth the first that fails, from 1 on
   * @param forever whether all after it fail, too
   * @param kind how it fails
   */
  public record Fault(Io.Op op, long nth, boolean forever, IoError.Kind kind) {
    private boolean hits(Io io, long number) {
      return io.op() == op && (forever ? number >= nth : number == nth);
    }
  }

  private final SimDisk disk;
  private final SimScheduler scheduler;
  private final Map<Io.Op, Long> seen = new EnumMap<>(Io.Op.class);
  private @Nullable Fault fault;
  private Runnable whenLost = () -> {};
  private long failures;
  private long failedFlushes;
  private Runnable whenFlushFails = () -> {};
  private boolean latches;
  private boolean broken;
  private boolean extended;

  public FaultDevice(SimDisk disk, SimScheduler scheduler) {
    super(disk);
    this.disk = disk;
    this.scheduler = scheduler;
    for (Io.Op op : Io.Op.values()) {
      seen.put(op, 0L);
    }
  }

  /** Arms a fault, or none; the count goes on. */
  public void arm(@Nullable Fault newFault) {
    fault = newFault;
  }

  /** Behaves as a file from now on. */
  public void latch() {
    latches = true;
  }

  /** Calls {@code then} whenever what was not flushed has been lost. */
  void onLoss(Runnable then) {
    whenLost = then;
  }

  /** How many requests of a kind have come. */
  public long seen(Io.Op op) {
    return seen.getOrDefault(op, 0L);
  }

  boolean latches() {
    return latches;
  }

  /** Calls {@code then} whenever a flush is made to fail. */
  void onFailedFlush(Runnable then) {
    whenFlushFails = then;
  }

  /** How many flushes were made to fail, those that a broken device refuses not among them. */
  long failedFlushes() {
    return failedFlushes;
  }

  /** How many requests were made to fail. */
  public long failures() {
    return failures;
  }

  /** Takes some time; {@link SimDisk#extendableTo} says how far. */
  @Override
  public CompletionStage<Boolean> extendBeyond(long beyond) {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    scheduler.execute(() -> {
      boolean longer = disk.extendBeyond(beyond);
      scheduler.trace(() -> name() + " has " + sectors() + " sectors");
      extended |= longer;
      answer.complete(longer);
    });
    return answer;
  }

  /** Whether it has become longer. */
  boolean extended() {
    return extended;
  }

  @Override
  public Limits limits() {
    return broken ? below.limits().withReadOnly(true) : below.limits();
  }

  @Override
  public void submit(Io io) {
    long number = seen(io.op()) + 1;
    seen.put(io.op(), number);
    Fault current = fault;
    if (current != null && current.hits(io, number)) {
      fail(io, current);
    } else if (broken && io.op() == Io.Op.FLUSH) {
      refuse(io, IoError.Kind.IO);
    } else if (broken && io.modifies() && !(io.op() == Io.Op.WRITE && io.fua())) {
      refuse(io, IoError.Kind.READ_ONLY);
    } else {
      below.submit(io);
    }
  }

  private void refuse(Io io, IoError.Kind kind) {
    IoError error = IoError.of(kind, name() + " is read-only since a sync failed");
    scheduler.trace(() -> name() + " refuses " + io);
    scheduler.execute(() -> io.complete(error));
  }

  private void fail(Io io, Fault current) {
    failures++;
    IoError error =
        new IoError(current.kind(), io.sector(), name() + ": injected " + current, null);
    scheduler.trace(() -> name() + " fails " + io);
    boolean flush = io.op() == Io.Op.FLUSH;
    if (latches && (flush || (io.fua() && current.kind() != IoError.Kind.NO_SPACE))) {
      broken = true;
    }
    if (flush) {
      failedFlushes++;
      whenFlushFails.run();
    }
    if (flush || broken) {
      disk.loseUnflushed();
      whenLost.run();
    }
    switch (io.op()) {
      case WRITE, WRITE_ZEROES, DISCARD -> {
        long part = scheduler.random().nextLong(io.sectors() + 1);
        below.submit(io.slice(0, part, (slice, ignored) -> io.complete(error)));
      }
      case READ -> {
        for (int i = io.data().position(); i < io.data().limit(); i++) {
          io.data().put(i, (byte) 0xDB);
        }
        scheduler.execute(() -> io.complete(error));
      }
      case FLUSH, BLOCK_STATUS -> scheduler.execute(() -> io.complete(error));
    }
  }
}
