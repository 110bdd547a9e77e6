// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/** A new volume that is being filled with the contents of a snapshot. Any thread. */
public final class VolumeCopy {
  /**
   * How far it is.
   *
   * @param done bytes that were looked at
   * @param total bytes of the snapshot
   */
  public record State(long done, long total) {}

  private final String volume;
  private final String from;
  private State state; // guarded by this
  private boolean ended; // guarded by this
  private boolean cancelled; // guarded by this
  private @Nullable RefusedException failure; // guarded by this

  VolumeCopy(String volume, String from, long total) {
    this.volume = volume;
    this.from = from;
    this.state = new State(0, total);
  }

  /** The volume that it will be. */
  public String volume() {
    return volume;
  }

  /** The snapshot whose contents it gets. */
  public String from() {
    return from;
  }

  /** How far it is. */
  public synchronized State state() {
    return state;
  }

  /** Lets it end as soon as it can; nothing of it stays. */
  synchronized void cancel() {
    cancelled = true;
  }

  /**
   * It has come so far.
   *
   * @throws ClientGoneException when nobody wants it any more
   */
  synchronized void at(long done) throws ClientGoneException {
    if (cancelled) {
      throw new ClientGoneException(
          new RefusedException("volume " + volume + ": it was cancelled; nothing of it is left"));
    }
    state = new State(done, state.total);
    notifyAll();
  }

  synchronized boolean isCancelled() {
    return cancelled;
  }

  /** The volume is there, or why not. */
  synchronized void ended(@Nullable RefusedException reason) {
    ended = true;
    failure = reason;
    notifyAll();
  }

  /**
   * Waits for its end.
   *
   * @param progress gets each state that is new; when it throws, the copy goes on
   * @throws RefusedException when it failed or was cancelled
   */
  public void await(Progress<State> progress) throws RefusedException, ClientGoneException {
    State reported = null;
    while (true) {
      State now;
      boolean over;
      synchronized (this) {
        while (!ended && state.equals(reported)) {
          try {
            wait();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException("the server is stopping", e);
          }
        }
        now = state;
        over = ended;
      }
      if (!now.equals(reported)) {
        progress.report(now);
        reported = now;
      }
      if (over) {
        refuseIfFailed();
        return;
      }
    }
  }

  private synchronized void refuseIfFailed() throws RefusedException {
    if (failure != null) {
      throw new RefusedException(String.valueOf(failure.getMessage()), failure);
    }
  }
}
