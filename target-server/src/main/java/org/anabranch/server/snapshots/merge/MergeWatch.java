// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code merges}: ends the merges that have nothing left, lets those begin that waited,
 * and does what those ask for who must not wait themselves. Other methods: any thread.
 */
public final class MergeWatch {
  private static final Logger LOG = LoggerFactory.getLogger(MergeWatch.class);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final long PATIENCE_SECONDS = 60;

  /** Ends a merge. */
  interface End {
    void ended(String device) throws RefusedException;
  }

  /**
   * A merge that is looked after.
   *
   * @param done whether it has nothing left to merge: its volume may be no merge any more
   */
  private record Watched(String volume, Registration progress, boolean done) {
    Watched whenDone() {
      return new Watched(volume, progress, true);
    }
  }

  private final Function<String, @Nullable MergeHandle> merges;
  private final End end;
  private final Runnable startWaiting;
  private final Map<String, Watched> watched = new ConcurrentHashMap<>(); // by snapshot
  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /** Merges that have nothing left, and whose end could not be recorded: why, by snapshot. */
  private final Map<String, String> unrecorded = new ConcurrentHashMap<>();

  private final AtomicBoolean woken = new AtomicBoolean();
  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("merges").factory());

  /**
   * @param merges the merge that a volume's live table makes
   * @param startWaiting begins merges that wait, if they need not wait any more
   */
  MergeWatch(Function<String, @Nullable MergeHandle> merges, End end, Runnable startWaiting) {
    this.merges = merges;
    this.end = end;
    this.startWaiting = startWaiting;
    thread.prestartCoreThread(); // so that it is there when the system has no threads to give
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRemoveOnCancelPolicy(true);
  }

  /** Something changed that a merge may have waited for. */
  void wake() {
    if (woken.compareAndSet(false, true)) {
      execute(() -> {
        woken.set(false);
        startWaiting.run();
      });
    }
  }

  /** The same, in a while. */
  void wakeIn(Duration time) {
    execute(this::wake, time);
  }

  /** Does something on the thread. */
  void execute(Runnable task) {
    execute(task, Duration.ZERO);
  }

  /** Does something on the thread, in a while. */
  void execute(Runnable task, Duration time) {
    try {
      var _ = thread.schedule(() -> logged(task), time.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("the server stops; nothing begins any more", e);
    }
  }

  /** Waits until the thread has done what it was given so far. */
  void settle() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    execute(done::countDown);
    if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the thread of merges is stuck");
    }
  }

  private static void logged(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.error(
          "merges: an error of the server's own; merges that wait are tried again at the next change",
          e);
    }
  }

  /** A merge began, or begins again. */
  void add(String volume, String device) {
    reported.remove(device);
    MergeHandle merge = merges.apply(volume);
    if (merge != null) {
      Registration progress = merge.onProgress(() -> execute(() -> look(device)));
      close(watched.put(device, new Watched(volume, progress, false)));
      execute(() -> look(device)); // it may have ended before anybody listened
    }
  }

  private static void close(@Nullable Watched old) {
    if (old != null) {
      old.progress().close();
    }
  }

  private void look(String device) {
    Watched mine = watched.get(device);
    if (mine == null) {
      return;
    }
    try {
      MergeHandle merge = merges.apply(mine.volume());
      MergeStatus status = merge == null ? null : MergeStatus.of(merge);
      if (mine.done() || (status != null && status.isDone())) {
        end(device, mine);
        unrecorded.remove(device);
      } else if (status != null && status.isStuck() && reported.add(device)) {
        LOG.error(
            "volume {}: the rollback to {} {}",
            mine.volume(),
            device,
            status.isFailed()
                ? "failed; snapshot resume or the next start tries again"
                : "cannot go on, since its store is invalid; snapshot remove --force gives it up");
      }
    } catch (RefusedException e) {
      if (unrecorded.put(device, String.valueOf(e.getMessage())) == null && !thread.isShutdown()) {
        LOG.error("volume {}: rolled back to {}, but {}", mine.volume(), device, e.getMessage());
      }
      execute(() -> look(device), RETRY);
    }
  }

  /** Whoever merges a snapshot of that name after this adds another one. */
  private void end(String device, Watched mine) throws RefusedException {
    watched.remove(device, mine);
    try {
      end.ended(device);
    } catch (RefusedException e) {
      watched.putIfAbsent(device, mine.whenDone());
      throw e;
    }
    close(mine);
  }

  /** Why the end of a merge that has nothing left could not be recorded; null: it could. */
  @Nullable String unrecorded(String device) {
    return unrecorded.get(device);
  }

  /** Nobody looks after it any more. */
  void remove(String device) {
    unrecorded.remove(device);
    close(watched.remove(device));
  }

  /** What is being started or ended comes to its end first, or devices would go under it. */
  void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        LOG.error("merges: not done after {} s", PATIENCE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
