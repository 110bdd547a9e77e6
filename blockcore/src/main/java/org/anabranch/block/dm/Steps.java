// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a device's life-cycle steps one at a time, in the order of the calls, without blocking a
 * thread. A step starts on the caller's thread if no step is running, otherwise on the thread that
 * completed the previous step.
 */
final class Steps {
  /** The largest number of waiting steps; further ones are refused. */
  static final int MAX_WAITING = 1024;

  /** Steps that have not started. */
  @GuardedBy("this")
  private final ArrayDeque<Step<?>> waiting = new ArrayDeque<>();

  /** Whether a step is running. */
  @GuardedBy("this")
  private boolean busy;

  /** Runs {@code work} in its turn; the result completes with that of {@code work}. */
  <T> CompletionStage<T> run(Supplier<CompletionStage<T>> work) {
    Step<T> step = new Step<>(work);
    synchronized (this) {
      if (busy) {
        if (waiting.size() == MAX_WAITING) {
          return CompletableFuture.failedFuture(
              new TableException("Resource temporarily unavailable: too many requests wait"));
        }
        waiting.add(step);
        return step.result;
      }
      busy = true;
    }
    runFrom(step);
    return step.result;
  }

  /** A loop instead of recursion, which could get deep because many steps complete at once. */
  private void runFrom(Step<?> first) {
    Step<?> step = first;
    while (step != null) {
      step.begin();
      step = step.isSecond() ? next() : null;
    }
  }

  private synchronized @Nullable Step<?> next() {
    Step<?> next = waiting.poll();
    busy = next != null;
    return next;
  }

  private final class Step<T> {
    final CompletableFuture<T> result = new CompletableFuture<>();
    private final Supplier<CompletionStage<T>> work;
    private final AtomicBoolean met = new AtomicBoolean();

    Step(Supplier<CompletionStage<T>> work) {
      this.work = work;
    }

    /**
     * Called by the loop that started the step and by the end of the step. Whoever calls second
     * continues with the next step.
     */
    boolean isSecond() {
      return !met.compareAndSet(false, true);
    }

    void begin() {
      stage()
          .whenComplete((value, failure) -> {
            if (failure == null) {
              result.complete(value);
            } else {
              result.completeExceptionally(cause(failure));
            }
            if (isSecond()) {
              Step<?> next = next();
              if (next != null) {
                runFrom(next);
              }
            }
          });
    }

    private CompletionStage<T> stage() {
      try {
        return work.get();
      } catch (RuntimeException e) {
        return CompletableFuture.failedFuture(e);
      }
    }
  }

  /** Work that may be refused before it begins. */
  @FunctionalInterface
  interface Refusable<T> {
    CompletionStage<T> begin() throws TableException;
  }

  /** Begins {@code work}; a refusal is the failure of the stage. */
  static <T> CompletionStage<T> begin(Refusable<T> work) {
    try {
      return work.begin();
    } catch (TableException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** The cause of a stage's failure, without the wrapper that dependent stages add. */
  static Throwable cause(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }
}
