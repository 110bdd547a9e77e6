// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.Hooks.Operation;
import org.anabranch.server.base.Hooks.Outcome;
import org.anabranch.server.base.Hooks.Subject;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hooks of merges that are about to begin. A merge begins by its turn in {@code Changes}, where
 * hooks must not run. So they run on a thread of their own, and then the merge is tried again:
 *
 * <pre>
 *   ready?        no: the thread runs what comes before, and tries the merge
 *   ready?        yes, it has run; the merge begins, or does not: begun, notBegun
 *   the thread    runs what comes after. Also when the merge was tried and did not come to its
 *                 turn: somebody has logged in, or it was taken back. It may become ready later
 * </pre>
 *
 * Any thread.
 */
public final class MergeHooks {
  private static final Logger LOG = LoggerFactory.getLogger(MergeHooks.class);

  /** Ends what waits for a merge that must not begin. */
  interface Refused {
    void refused(List<SnapshotState> snapshots, RefusedException reason);
  }

  private final Hooks hooks;
  private final Refused refused;
  private final Runnable wake;
  private final Map<Set<String>, Preparation> preparations = new HashMap<>(); // guarded by this
  private boolean closed; // guarded by this

  /**
   * @param refused on a thread that may wait, without a lock
   * @param wake lets merges begin that may begin; called each time that one has come to its end
   *     here, since it may not have begun
   */
  MergeHooks(Hooks hooks, Refused refused, Runnable wake) {
    this.hooks = hooks;
    this.refused = refused;
    this.wake = wake;
  }

  /** Merges that begin together, from before they begin until all that comes after is done. */
  static final class Preparation implements Hooks.Listener {
    private final Set<String> key;
    private final CompletableFuture<Outcome> decided = new CompletableFuture<>();
    private final CompletableFuture<@Nullable Void> over = new CompletableFuture<>();
    private final List<Hooks.Listener> listeners = new ArrayList<>(); // guarded by this
    private final List<String> failures = new ArrayList<>(); // guarded by this
    private @Nullable String running; // guarded by this
    private boolean ready; // guarded by the MergeHooks
    private @Nullable RefusedException reason; // guarded by the MergeHooks

    private Preparation(Set<String> key) {
      this.key = key;
    }

    @Override
    public void runs(String what) {
      List<Hooks.Listener> hear;
      synchronized (this) {
        running = what;
        hear = List.copyOf(listeners);
      }
      hear.forEach(each -> each.runs(what));
    }

    @Override
    public void failed(String what) {
      List<Hooks.Listener> hear;
      synchronized (this) {
        failures.add(what);
        hear = List.copyOf(listeners);
      }
      hear.forEach(each -> each.failed(what));
    }

    /**
     * Waits until what comes after is done.
     *
     * @param listener hears the rest, and what has happened so far
     * @throws RefusedException why the merge did not begin
     */
    void await(Hooks.Listener listener) throws RefusedException {
      List<String> failed;
      String runs;
      synchronized (this) {
        listeners.add(listener);
        failed = List.copyOf(failures);
        runs = running;
      }
      failed.forEach(listener::failed);
      if (runs != null) {
        listener.runs(runs);
      }
      try {
        over.join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof RefusedException why) {
          throw new RefusedException(String.valueOf(why.getMessage()), e);
        }
        throw e;
      }
    }
  }

  private static Set<String> key(List<SnapshotState> snapshots) {
    return snapshots.stream().map(SnapshotState::device).collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Whether merges may begin now. If not, what comes before them runs, and then they are tried.
   *
   * @param snapshots that are merged together
   * @param attempt begins them if it is their turn; runs later, on a thread that may wait
   */
  boolean ready(List<SnapshotState> snapshots, Runnable attempt) {
    Set<String> volumes =
        snapshots.stream().map(SnapshotState::volume).collect(Collectors.toUnmodifiableSet());
    Preparation made;
    synchronized (this) {
      Preparation mine = preparations.get(key(snapshots));
      if (mine != null) {
        return mine.ready && !mine.decided.isDone();
      }
      if (closed || !hooks.concerns(Operation.MERGE, volumes)) {
        return !closed;
      }
      made = new Preparation(key(snapshots));
      preparations.put(made.key, made);
    }
    Thread.ofVirtual().name("merge hooks").start(() -> run(made, snapshots, attempt));
    return false;
  }

  private void run(Preparation mine, List<SnapshotState> snapshots, Runnable attempt) {
    RefusedException hookFailure = null;
    try {
      List<Subject> subjects =
          snapshots.stream().map(each -> new Subject(each.volume(), each.device())).toList();
      Hooks.Begun begun = hooks.before(Operation.MERGE, subjects, mine);
      Outcome outcome = Outcome.NOT_DONE;
      try {
        outcome = attempted(mine, attempt);
      } finally {
        begun.after(outcome);
      }
    } catch (RefusedException e) {
      hookFailure = e;
    } catch (RuntimeException e) {
      LOG.error("hooks of the merge of {}", mine.key, e);
      hookFailure = new RefusedException("internal error, see the server's log: " + e, e);
    }
    if (hookFailure != null && !isClosed()) {
      refused.refused(snapshots, hookFailure);
    }
    end(mine, hookFailure);
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private void end(Preparation mine, @Nullable RefusedException hookFailure) {
    RefusedException reason;
    synchronized (this) {
      preparations.remove(mine.key);
      notifyAll();
      reason = hookFailure == null ? mine.reason : hookFailure;
    }
    if (reason == null) {
      mine.over.complete(null);
    } else {
      mine.over.completeExceptionally(reason);
    }
    wake.run();
  }

  /** Tries the merge, which says {@link #begun} in the course of that, or somebody else did. */
  private Outcome attempted(Preparation mine, Runnable attempt) {
    synchronized (this) {
      if (closed) {
        return Outcome.NOT_DONE;
      }
      mine.ready = true;
    }
    attempt.run();
    synchronized (this) {
      mine.decided.complete(Outcome.NOT_DONE); // unless it has begun
    }
    return mine.decided.join();
  }

  /** What comes before or after the merge of a snapshot, if that runs. */
  synchronized @Nullable Preparation of(String device) {
    return preparations.values().stream()
        .filter(each -> each.key.contains(device))
        .findAny()
        .orElse(null);
  }

  /** Merges have begun. */
  synchronized void begun(List<SnapshotState> snapshots) {
    Preparation mine = preparations.get(key(snapshots));
    if (mine != null) {
      mine.decided.complete(Outcome.DONE);
    }
  }

  /** Merges could not begin when they were tried. */
  synchronized void notBegun(List<SnapshotState> snapshots, RefusedException why) {
    Preparation mine = preparations.get(key(snapshots));
    if (mine != null) {
      mine.reason = why;
      mine.decided.complete(Outcome.NOT_DONE);
    }
  }

  /** Nothing begins any more; what comes after has been done when this returns. */
  void close() {
    synchronized (this) {
      closed = true;
    }
    hooks.close();
    boolean interrupted = false;
    synchronized (this) {
      while (!preparations.isEmpty()) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
