// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a device's life-cycle steps one at a time, in the order they came, without a thread that
 * waits: a step begins on the thread that asks for it when none is under way, else on the one that
 * ended the step before.
 */
final class Steps {
  /** Steps that may wait; who comes later is refused. */
  static final int MAX_WAITING = 1024;

  /** Steps that have not begun. Guarded by this. */
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();

  /** Whether a step is under way. Guarded by this. */
  private boolean busy;

  /** Runs {@code step} when its turn has come; ends as its stage ends. */
  <T> CompletionStage<T> run(Supplier<CompletionStage<T>> step) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable turn =
        () ->
            begin(step)
                .whenComplete((value, failure) -> {
                  // The next step first: the result's dependents may be anybody's code.
                  Runnable next = next();
                  if (failure == null) {
                    result.complete(value);
                  } else {
                    result.completeExceptionally(cause(failure));
                  }
                  if (next != null) {
                    next.run();
                  }
                });
    synchronized (this) {
      if (busy) {
        if (waiting.size() == MAX_WAITING) {
          return CompletableFuture.failedFuture(
              new TableException("Resource temporarily unavailable: too many requests wait"));
        }
        waiting.add(turn);
        return result;
      }
      busy = true;
    }
    turn.run();
    return result;
  }

  private static <T> CompletionStage<T> begin(Supplier<CompletionStage<T>> step) {
    try {
      return step.get();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** What a stage failed with, without the wrapper that a dependent stage puts around it. */
  static Throwable cause(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  private synchronized @Nullable Runnable next() {
    Runnable next = waiting.poll();
    busy = next != null;
    return next;
  }
}
