// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Counts the requests in flight through a device and can be shut. A shut gate admits no request,
 * and a stage completes when the last one has left. Suspend and close wait for that.
 *
 * <p>Counting must be cheap: each thread counts in a stripe chosen by its id, and a request leaves
 * by the stripe through which it entered. Each stripe's count is exact. So once every stripe has
 * been seen at zero after the gate was shut, no request is inside: one that arrives later
 * increments the count, finds the gate shut and turns back.
 *
 * <p>All methods may be called from any thread, but {@link #shut} and {@link #open} must not
 * overlap.
 */
public final class IoGate {
  /** Longs between two stripes: two cache lines, since processors prefetch them in pairs. */
  private static final int SPACING = 16;

  private static final int STRIPES =
      Math.min(64, Integer.highestOneBit(4 * Runtime.getRuntime().availableProcessors() - 1));

  private final AtomicLongArray inside = new AtomicLongArray(STRIPES * SPACING);
  private final IoCompletion[] exits = new IoCompletion[STRIPES];
  private volatile boolean open;

  /** Completed when the gate is shut and the last request has left; null while it is open. */
  private volatile @Nullable CompletableFuture<@Nullable Void> drained;

  /** Creates an open or a shut gate. */
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
   * Admits {@code io} and counts it out when it completes, after the layers above have seen its
   * completion.
   *
   * @return false if the gate is shut; {@code io} is then unchanged and still the caller's
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
      waiting.complete(null); // several threads may get here, some after the gate was opened again
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

  /** Shuts the gate; the stage completes when no request is inside. */
  public CompletionStage<@Nullable Void> shut() {
    open = false;
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    drained = done;
    if (isEmpty()) {
      done.complete(null);
    }
    return done;
  }

  /** Opens the gate. The stage of the last {@link #shut} must have completed. */
  public void open() {
    drained = null;
    open = true;
  }

  /** The number of requests inside now. */
  public long count() {
    long sum = 0;
    for (int i = 0; i < STRIPES; i++) {
      sum += inside.get(i * SPACING);
    }
    return sum;
  }
}
