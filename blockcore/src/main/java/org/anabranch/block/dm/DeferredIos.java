// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Supplier;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;

/**
 * The requests that arrived while a device was suspended, in order. Any thread.
 *
 * <p>At most {@link #MAX} wait; further ones fail at once with {@link IoError.Kind#IO}. A submitter
 * with that many requests in flight has no limit of its own, and must neither be blocked nor use
 * unlimited memory.
 */
final class DeferredIos {
  /** The largest number of waiting requests. */
  static final int MAX = 65_536;

  /** What happens to a request that finds the device's gate shut. */
  private enum State {
    /** The gate is open, or about to open: try again. */
    FLOW,
    /** The device is suspended: wait. */
    HOLD,
    /** The device was removed: fail. */
    GONE
  }

  @GuardedBy("this")
  private final ArrayDeque<Io> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private State state = State.FLOW;

  private final Counters<DeviceCounter> counters;

  DeferredIos(Counters<DeviceCounter> counters) {
    this.counters = counters;
  }

  /**
   * Queues a request that found the gate shut.
   *
   * @return false if the gate has been opened since; the caller must try again
   */
  boolean take(Io io, String device) {
    IoError error;
    synchronized (this) {
      if (state == State.FLOW) {
        return false;
      }
      if (state == State.HOLD && waiting.size() < MAX) {
        waiting.add(io);
        counters.increment(DeviceCounter.DEFERRED);
        return true;
      }
      error =
          state == State.GONE
              ? gone(device)
              : IoError.of(
                  IoError.Kind.IO, device + " is suspended, and " + MAX + " requests wait");
    }
    io.complete(error);
    return true;
  }

  /** Runs {@code shutGate} and returns its result; requests are deferred from then on. */
  synchronized <T> T hold(Supplier<T> shutGate) {
    state = State.HOLD;
    return shutGate.get();
  }

  /** Runs {@code openGate} and returns the deferred requests in order. */
  synchronized List<Io> release(Runnable openGate) {
    state = State.FLOW;
    openGate.run();
    return drain();
  }

  /** Stops deferring and returns the deferred requests, which the caller must fail. */
  synchronized List<Io> end() {
    state = State.GONE;
    return drain();
  }

  private synchronized List<Io> drain() {
    List<Io> all = List.copyOf(waiting);
    waiting.clear();
    return all;
  }

  synchronized int size() {
    return waiting.size();
  }

  /** The error for a request on a removed device. */
  static IoError gone(String device) {
    return IoError.of(IoError.Kind.GONE, device + " was removed");
  }
}
