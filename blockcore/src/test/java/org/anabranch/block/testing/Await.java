// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Waits until another thread or process has done something. There is a deadline; when it passes,
 * the test fails with what it waited for and the last value seen, and all threads are printed.
 *
 * <pre>{@code
 * Await.until("all clients are connected", () -> entered.get() == 64);
 * Await.until("the merge is paused", () -> progress(), text -> text.startsWith("paused "));
 * }</pre>
 */
public final class Await {
  /** How long everything but the slowest may take on a busy machine. */
  public static final Duration LONG = Duration.ofSeconds(60);

  private static final long FIRST_PAUSE_NANOS = 50_000;
  private static final long LONGEST_PAUSE_NANOS = 10_000_000;

  private Await() {}

  /** Something to look at again and again. */
  public interface Value<T extends @Nullable Object, E extends Exception> {
    T get() throws E;
  }

  /** Waits {@link #LONG} at most until {@code condition} holds. */
  public static <E extends Exception> void until(String what, Value<Boolean, E> condition)
      throws E {
    until(LONG, what, condition);
  }

  /** Waits {@code limit} at most until {@code condition} holds. */
  public static <E extends Exception> void until(
      Duration limit, String what, Value<Boolean, E> condition) throws E {
    until(limit, what, condition, holds -> holds);
  }

  /** Waits {@link #LONG} at most until {@code value} is good, and returns it. */
  public static <T extends @Nullable Object, E extends Exception> T until(
      String what, Value<T, E> value, Predicate<? super T> good) throws E {
    return until(LONG, what, value, good);
  }

  /**
   * Waits {@code limit} at most until {@code value} is good, and returns it.
   *
   * @throws AssertionError when the time is over, or when the thread is interrupted
   */
  public static <T extends @Nullable Object, E extends Exception> T until(
      Duration limit, String what, Value<T, E> value, Predicate<? super T> good) throws E {
    long deadline = System.nanoTime() + limit.toNanos();
    for (long pause = FIRST_PAUSE_NANOS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS)) {
      T seen = value.get();
      if (good.test(seen)) {
        return seen;
      }
      boolean interrupted = Thread.currentThread().isInterrupted();
      if (interrupted || System.nanoTime() - deadline > 0) {
        System.err.println("waited for: " + what + "\n" + threads());
        throw new AssertionError(
            (interrupted ? "interrupted while waiting for: " : "not within " + limit + ": ")
                + what
                + "; last seen: "
                + seen);
      }
      LockSupport.parkNanos(pause);
    }
  }

  private static String threads() {
    StringBuilder text = new StringBuilder();
    for (ThreadInfo thread : ManagementFactory.getThreadMXBean().dumpAllThreads(true, true)) {
      text.append('"').append(thread.getThreadName()).append("\" ").append(thread.getThreadState());
      if (thread.getLockName() != null) {
        text.append(" on ").append(thread.getLockName());
      }
      text.append('\n');
      for (StackTraceElement frame : thread.getStackTrace()) {
        text.append("    at ").append(frame).append('\n');
      }
    }
    return text.toString();
  }
}
