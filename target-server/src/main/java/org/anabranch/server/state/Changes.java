// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * The lock for changes of what a server serves or remembers: one change at a time, each from its
 * first step to its last, and none once the server stops. Any thread. A change may contain another
 * one. A thread that waits for its turn holds no lock of the block layer.
 */
public final class Changes {
  /**
   * What has to rest during changes: nothing that it holds for a later start may be older than what
   * a change makes durable.
   */
  public interface Resting {
    /** A turn has begun. Waits, for a limited time, until everything rests that can. */
    void rest();

    /** The turn is over. */
    void goOn();
  }

  private final ReentrantLock turn = new ReentrantLock(true);

  /** Guarded by turn. */
  private @Nullable Resting resting;

  /** Guarded by turn. */
  private boolean over;

  /** From the next turn on, this rests during turns. */
  public void restsDuringTurns(Resting what) {
    turn.lock();
    try {
      resting = what;
    } finally {
      turn.unlock();
    }
  }

  /**
   * Waits for its turn; {@link #unlock} ends it.
   *
   * @throws RefusedException when the server stops, and without a turn
   */
  public void lock() throws RefusedException {
    if (!lockUnlessOver()) {
      throw new RefusedException("the server is stopping; nothing was changed");
    }
  }

  /** The same; false when the server stops. */
  public boolean lockUnlessOver() {
    turn.lock();
    if (over) {
      turn.unlock();
      return false;
    }
    if (resting != null && turn.getHoldCount() == 1) {
      resting.rest();
    }
    return true;
  }

  /**
   * Takes a turn if nobody has one; false if somebody has, or the server stops. To look at
   * something, not to change it: nothing rests for that.
   */
  public boolean tryLock() {
    boolean granted = turn.tryLock();
    if (granted && over) {
      turn.unlock();
      return false;
    }
    return granted;
  }

  /** Ends the turn. */
  public void unlock() {
    if (resting != null && turn.getHoldCount() == 1) {
      resting.goOn();
    }
    turn.unlock();
  }

  /** Waits for the change under way; none begins any more. */
  public void close() {
    turn.lock();
    try {
      over = true;
    } finally {
      turn.unlock();
    }
  }
}
