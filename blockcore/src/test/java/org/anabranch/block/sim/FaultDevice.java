// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.EnumMap;
import java.util.Map;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Fails the Nth request of a kind, and those after it if the fault is for ever; passes the others
 * on. What has happened when a request fails is left open, as with a real disk: a write may have
 * been written in part, a read's buffer holds rubbish, and of what a failed flush should have made
 * durable nothing will be, not by the next flush either ({@link SimDisk#loseUnflushed}).
 */
public final class FaultDevice implements BlockDevice {
  /**
   * One fault.
   *
   * @param op the kind of request that fails
   * @param nth the first that fails, from 1 on
   * @param forever whether all after it fail, too
   * @param kind how it fails
   */
  public record Fault(Io.Op op, long nth, boolean forever, IoError.Kind kind) {}

  private final SimDisk below;
  private final SimScheduler scheduler;
  private final Map<Io.Op, Long> seen = new EnumMap<>(Io.Op.class);
  private @Nullable Fault fault;
  private long failures;

  public FaultDevice(SimDisk below, SimScheduler scheduler) {
    this.below = below;
    this.scheduler = scheduler;
    for (Io.Op op : Io.Op.values()) {
      seen.put(op, 0L);
    }
  }

  /** Arms a fault, or none; the count goes on. */
  public void arm(@Nullable Fault newFault) {
    fault = newFault;
  }

  /** How many requests of a kind have come. */
  public long seen(Io.Op op) {
    return seen.getOrDefault(op, 0L);
  }

  /** How many requests were made to fail. */
  public long failures() {
    return failures;
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public long sectors() {
    return below.sectors();
  }

  @Override
  public Limits limits() {
    return below.limits();
  }

  @Override
  public void submit(Io io) {
    long number = seen(io.op()) + 1;
    seen.put(io.op(), number);
    Fault current = fault;
    if (current == null
        || io.op() != current.op()
        || (current.forever() ? number < current.nth() : number != current.nth())) {
      below.submit(io);
      return;
    }
    failures++;
    IoError error =
        new IoError(current.kind(), io.sector(), name() + ": injected " + current, null);
    scheduler.trace(() -> name() + " fails " + io);
    switch (io.op()) {
      case WRITE -> {
        long part = scheduler.random().nextLong(io.sectors() + 1);
        below.submit(io.slice(0, part, (slice, ignored) -> io.complete(error)));
      }
      case READ -> {
        for (int i = io.data().position(); i < io.data().limit(); i++) {
          io.data().put(i, (byte) 0xDB);
        }
        scheduler.execute(() -> io.complete(error));
      }
      case FLUSH -> {
        below.loseUnflushed();
        scheduler.execute(() -> io.complete(error));
      }
      default -> scheduler.execute(() -> io.complete(error));
    }
  }
}
