// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Counts the requests in flight through a device, and can be shut: then nobody enters, and a stage
 * tells when the last one has left. This is what suspend and close wait for.
 *
 * <p>Counting must not cost: a thread counts in a stripe of its own (by its id), and a request
 * leaves by the stripe through which it entered. A stripe's count is exact, so when every stripe
 * was seen at zero after the gate was shut, nobody is inside: whoever comes later only bumps the
 * count, finds the gate shut and turns back.
 *
 * <p>All methods may be called from any thread, except that {@link #shut} and {@link #open} come
 * one at a time.
 */
public final class IoGate {
  /** Longs between two stripes: two cache lines, since processors fetch them in pairs. */
  private static final int SPACING = 16;

  private static final int STRIPES =
      Math.min(64, Integer.highestOneBit(4 * Runtime.getRuntime().availableProcessors() - 1));

  private final AtomicLongArray inside = new AtomicLongArray(STRIPES * SPACING);
  private final IoCompletion[] exits = new IoCompletion[STRIPES];
  private volatile boolean open;

  /** Completed when the gate is shut and the last request has left; null while it is open. */
  private volatile @Nullable CompletableFuture<@Nullable Void> drained;

  /** An open gate, or a shut one. */
  public IoGate(boolean open) {
    this.open = open;
    for (int i = 0; i < STRIPES; i++) {
      int stripe = i;
      exits[i] =
          (io, error) -> {
            try {
              io.complete(error);
            } finally {
              leave(stripe);
            }
          };
    }
  }

  /**
   * Lets {@code io} in and sees to it that its completion counts it out, after those above have
   * seen the end of it.
   *
   * @return false when the gate is shut; {@code io} is untouched then and still the caller's
   */
  public boolean enter(Io io) {
    if (!open) {
      return false;
    }
    int stripe = (int) Thread.currentThread().threadId() & (STRIPES - 1);
    inside.getAndIncrement(stripe * SPACING);
    if (!open) {
      leave(stripe);
      return false;
    }
    io.push(exits[stripe]);
    return true;
  }

  private void leave(int stripe) {
    inside.getAndDecrement(stripe * SPACING);
    CompletableFuture<@Nullable Void> waiting = drained;
    if (waiting != null && isEmpty()) {
      waiting.complete(
          null); // several may come here, and late ones after the gate was opened again
    }
  }

  private boolean isEmpty() {
    for (int i = 0; i < STRIPES; i++) {
      if (inside.get(i * SPACING) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Refuses entry from now on; done when no request is inside. */
  public CompletionStage<@Nullable Void> shut() {
    open = false;
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    drained = done;
    if (isEmpty()) {
      done.complete(null);
    }
    return done;
  }

  /** Allows entry again. The stage of the last {@link #shut} must be done. */
  public void open() {
    drained = null;
    open = true;
  }

  /** The number of requests inside at this moment. */
  public long count() {
    long sum = 0;
    for (int i = 0; i < STRIPES; i++) {
      sum += inside.get(i * SPACING);
    }
    return sum;
  }
}
