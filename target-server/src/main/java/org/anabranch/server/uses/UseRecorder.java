// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes {@link UseFile} on a thread of its own, one write for all changes that came meanwhile.
 * Each write has all uses in it, so {@link WritePace} limits how many there are when initiators log
 * in and out without end: then one write serves the logins of up to a second. Any thread.
 */
final class UseRecorder {
  private static final Logger LOG = LoggerFactory.getLogger(UseRecorder.class);

  /**
   * The uses at one moment.
   *
   * @param version grows with each change
   */
  record Moment(long version, RecordedUses uses) {}

  /** Somebody who waits until a version is durable. */
  private record Waiting(long version, CompletableFuture<@Nullable Void> done) {}

  /** Runs tasks one at a time, each after a delay of nanoseconds, which may be 0. */
  interface Writer {
    /**
     * Runs a task later.
     *
     * @throws RejectedExecutionException when no task runs any more
     */
    void after(long delayNanos, Runnable task);
  }

  private final UseFile file;
  private final Writer writer;
  private final WritePace pace;
  private final Supplier<Moment> now;

  @GuardedBy("this")
  private List<Waiting> waiting = new ArrayList<>();

  /** When the next write begins, by the clock of {@link WritePace}; null: none is scheduled. */
  @GuardedBy("this")
  private @Nullable Long next;

  /** The version that is on disk. */
  private volatile long written;

  /** Why the last write failed; null when it did not. */
  private volatile @Nullable String failure;

  UseRecorder(UseFile file, Writer writer, WritePace pace, Supplier<Moment> now) {
    this.file = file;
    this.writer = writer;
    this.pace = pace;
    this.now = now;
  }

  /** Completes when a version is durable; fails with a {@link RefusedException}. */
  CompletionStage<@Nullable Void> durable(long version) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    synchronized (this) {
      if (version <= written) {
        done.complete(null);
        return done;
      }
      waiting.add(new Waiting(version, done));
    }
    try {
      schedule(pace.urgentDelay());
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new RefusedException("the server is stopping", e));
    }
    return done;
  }

  /** Writes soon what has changed; nobody waits for it. */
  void soon() {
    try {
      schedule(pace.delay());
    } catch (RejectedExecutionException e) {
      LOG.debug("the server stops, which writes all of it", e);
    }
  }

  /** Schedules a write, unless one is scheduled that begins no later. */
  private void schedule(long delayNanos) {
    long begin = pace.now() + delayNanos;
    synchronized (this) {
      if (next != null && next <= begin) {
        return;
      }
      next = begin;
    }
    writer.after(delayNanos, () -> writeOnPace(begin));
  }

  private void writeOnPace(long begin) {
    synchronized (this) {
      if (next == null || next != begin) {
        return; // one that was to begin earlier has taken its place
      }
      next = null;
    }
    try {
      pace.measure(this::write);
    } catch (RefusedException e) {
      LOG.debug("tried again at the next change", e); // write has logged it
    }
  }

  /** By the writer's thread, or when it runs no more. Answers those who wait for it. */
  void write() throws RefusedException {
    List<Waiting> answered;
    synchronized (this) {
      answered = waiting;
      waiting = new ArrayList<>();
    }
    Moment moment = now.get(); // taken after them, so it has what they wait for
    try {
      if (moment.version() > written) {
        file.write(moment.uses());
        written = moment.version();
        failure = null;
      }
      answered.forEach(each -> each.done().complete(null));
    } catch (IOException e) {
      String reason = file.path() + " cannot be written: " + StateDirectory.reason(e);
      if (failure == null) {
        LOG.error("{}; new initiators cannot log in until it can", reason);
      }
      failure = reason;
      RefusedException refused = new RefusedException(reason, e);
      answered.forEach(each -> each.done().completeExceptionally(refused));
      throw refused;
    }
  }

  /** Why the last write failed, or null. */
  @Nullable String failure() {
    return failure;
  }
}
