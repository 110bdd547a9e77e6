// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one snapshot that must end before the data below them may change: reads sent to
 * the origin and, during a merge, writes sent to the COW device. Guarded by the group's lock.
 */
final class TrackedIos {
  /** Selects the requests to wait for, by their chunks from {@code first} to {@code last}. */
  interface Chunks {
    boolean touches(long first, long last);
  }

  private final DeferringLock lock;

  /** One end of a doubly linked list. */
  private @Nullable Tracked newest;

  TrackedIos(DeferringLock lock) {
    this.lock = lock;
  }

  /** Tracks {@code io}, which is about to be submitted, until it completes. */
  void track(Io io, long first, long last) {
    Tracked tracked = new Tracked(first, last, newest);
    if (newest != null) {
      newest.newer = tracked;
    }
    newest = tracked;
    io.push(tracked);
  }

  /** Whether {@link #whenDrained} would wait. */
  boolean touches(Chunks chunks) {
    for (Tracked t = newest; t != null; t = t.older) {
      if (chunks.touches(t.first, t.last)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Runs {@code then} with the lock held once the requests to {@code chunks} that are tracked now
   * have completed, through all layers; at once if there are none.
   */
  void whenDrained(Chunks chunks, Runnable then) {
    Drain drain = new Drain(then);
    for (Tracked t = newest; t != null; t = t.older) {
      if (chunks.touches(t.first, t.last)) {
        drain.left++;
        if (t.drains == null) {
          t.drains = new ArrayList<>(1);
        }
        t.drains.add(drain);
      }
    }
    if (drain.left == 0) {
      then.run();
    }
  }

  private static final class Drain {
    final Runnable then;
    int left;

    Drain(Runnable then) {
      this.then = then;
    }
  }

  private final class Tracked implements IoCompletion {
    final long first;
    final long last;
    @Nullable Tracked older;
    @Nullable Tracked newer;
    @Nullable List<Drain> drains;

    Tracked(long first, long last, @Nullable Tracked older) {
      this.first = first;
      this.last = last;
      this.older = older;
    }

    @Override
    public void completed(Io io, @Nullable IoError error) {
      lock.run(this::unlink);
      try {
        io.complete(error);
      } finally {
        // After the request's own end, since what waits may be a long copy. Unlinked, it gets no
        // more waiters.
        List<Drain> waiting = drains;
        if (waiting != null) {
          lock.run(() -> drained(waiting));
        }
      }
    }

    private void drained(List<Drain> waiting) {
      for (Drain drain : waiting) {
        if (--drain.left == 0) {
          drain.then.run();
        }
      }
    }

    private void unlink() {
      if (newer != null) {
        newer.older = older;
      } else {
        newest = older;
      }
      if (older != null) {
        older.newer = newer;
      }
    }
  }
}
