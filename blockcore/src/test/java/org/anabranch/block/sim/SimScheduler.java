// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Time and order, decided by a seed. Everything happens on the thread that calls {@link #step}, one
 * event at a time. The clock stands still during an event and jumps to the next one.
 *
 * <p>What {@link #execute} is given runs after a seeded delay of up to 20 microseconds, so tasks
 * overtake each other as they do on a pool; a timer runs at its time or a little later. What waits
 * for something that can't come any more is found at once: no event is left while the condition of
 * {@link #runUntil} does not hold, and the failure says what everybody was waiting for.
 *
 * <p>A failure noticed deep inside the code under test (where an exception might be caught by
 * somebody) is reported with {@link #fail}; the next {@link #step} throws it.
 */
public final class SimScheduler implements Scheduler {
  /** The power was cut: nothing that ran before runs any more. */
  public static final class PowerCut extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PowerCut(long step) {
      super("power cut after event " + step, null, false, false);
    }
  }

  private static final class Event implements Timer, Comparable<Event> {
    private final long time;
    private final long tie;
    private @Nullable Runnable task;

    Event(long time, long tie, Runnable task) {
      this.time = time;
      this.tie = tie;
      this.task = task;
    }

    @Override
    public void cancel() {
      task = null;
    }

    @Override
    public int compareTo(Event other) {
      return time != other.time ? Long.compare(time, other.time) : Long.compare(tie, other.tie);
    }
  }

  private static final long MAX_EXECUTE_DELAY = 20_000;
  private static final long MAX_EVENTS_IN_A_WAIT = 300_000;

  private final SplittableRandom random;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final List<Supplier<String>> waiters = new ArrayList<>();
  private final Trace trace;
  private long now;
  private long steps;
  private long powerCutAt = Long.MAX_VALUE;
  private @Nullable Throwable failure;

  public SimScheduler(long seed) {
    this(seed, Trace.NONE);
  }

  public SimScheduler(long seed, Trace trace) {
    this.random = new SplittableRandom(seed);
    this.trace = trace;
  }

  /**
   * Decides order and latencies; a workload takes its own decisions from a generator of its own.
   */
  public SplittableRandom random() {
    return random;
  }

  @Override
  public long nanoTime() {
    return now;
  }

  /** Events run so far. */
  public long steps() {
    return steps;
  }

  @Override
  public void execute(Runnable task) {
    schedule(task, random.nextLong(MAX_EXECUTE_DELAY));
  }

  @Override
  public Timer schedule(Runnable task, long delayNanos) {
    Event event = new Event(now + Math.max(0, delayNanos), random.nextLong(), task);
    events.add(event);
    return event;
  }

  /** After {@code count} further events {@link #step} throws {@link PowerCut}, now and for ever. */
  public void cutPowerAfter(long count) {
    powerCutAt = steps + count;
  }

  /** The power stays on. */
  public void keepPower() {
    powerCutAt = Long.MAX_VALUE;
  }

  /** Remembers a line of the trace. */
  public void trace(Supplier<String> line) {
    trace.add(() -> now / 1000 + "us #" + steps + " " + line.get());
  }

  /** The run has failed; thrown by the next {@link #step}, whoever catches what in between. */
  public void fail(Throwable because) {
    if (failure == null) {
      failure = because;
    }
  }

  /** Adds a line to what a stuck run prints; an empty one is left out. */
  public void describe(Supplier<String> waiter) {
    waiters.add(waiter);
  }

  /** Runs one event; false when there is none. */
  public boolean step() {
    throwFailure();
    if (steps >= powerCutAt) {
      throw new PowerCut(steps);
    }
    Runnable task = null;
    while (task == null) {
      Event event = events.poll();
      if (event == null) {
        return false;
      }
      task = event.task;
      if (task != null) {
        event.task = null;
        now = Math.max(now, event.time);
      }
    }
    steps++;
    task.run();
    throwFailure();
    return true;
  }

  private void throwFailure() {
    if (failure != null) {
      throw new AssertionError(failure.getMessage(), failure);
    }
  }

  /** Runs until nothing is left to run. */
  public void runToQuiescence() {
    for (long i = 0; step(); i++) {
      if (i > MAX_EVENTS_IN_A_WAIT) {
        throw stuck("it never comes to rest");
      }
    }
  }

  /** Runs at most {@code count} events. */
  public void run(long count) {
    for (long i = 0; i < count && step(); i++) {}
  }

  /** Runs until {@code condition} holds; fails when nothing is left to run before it does. */
  public void runUntil(BooleanSupplier condition, String what) {
    for (long i = 0; !condition.getAsBoolean(); i++) {
      if (i > MAX_EVENTS_IN_A_WAIT) {
        throw stuck("no end of waiting for " + what);
      }
      if (!step()) {
        throw stuck("nothing left to run, still waiting for " + what);
      }
    }
    throwFailure();
  }

  /**
   * Runs until {@code stage} is done and gives its value.
   *
   * @throws ExecutionException with the stage's failure as its cause
   */
  public <T extends @Nullable Object> T await(CompletionStage<T> stage, String what)
      throws ExecutionException {
    var future = stage.toCompletableFuture();
    runUntil(future::isDone, what);
    return switch (future.state()) {
      case SUCCESS -> future.resultNow();
      default -> throw new ExecutionException(what, future.exceptionNow());
    };
  }

  private AssertionError stuck(String why) {
    StringBuilder text = new StringBuilder("stuck after event " + steps + ": " + why);
    for (Supplier<String> waiter : waiters) {
      String line = waiter.get();
      if (!line.isEmpty()) {
        text.append("\n  ").append(line);
      }
    }
    return new AssertionError(text);
  }
}
