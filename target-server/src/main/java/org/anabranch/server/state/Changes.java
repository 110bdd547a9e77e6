// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lock for changes of what a server serves or remembers: one change at a time, each from its
 * first step to its last, and none once the server stops. Any thread. A change may contain another
 * one. A thread that waits for its turn holds no lock of the block layer.
 */
public final class Changes {
  private static final Logger LOG = LoggerFactory.getLogger(Changes.class);

  /**
   * What has to rest during changes: nothing that it knows, and that is not durable as the devices
   * are, may be older than what a change makes durable.
   */
  public interface Resting {
    /**
     * A turn has begun.
     *
     * @throws RefusedException if it does not come to rest
     */
    void rest() throws RefusedException;

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
   * @throws RefusedException when the server stops, or what must rest does not; without a turn then
   */
  public void lock() throws RefusedException {
    if (!granted()) {
      throw new RefusedException("the server is stopping; nothing was changed");
    }
    try {
      rest();
    } catch (RefusedException e) {
      unlock();
      throw e;
    }
  }

  /** The same; false when the server stops. For the end of something, which cannot be refused. */
  public boolean lockUnlessOver() {
    if (!granted()) {
      return false;
    }
    try {
      rest();
    } catch (RefusedException e) {
      LOG.error("{}", e.getMessage());
    }
    return true;
  }

  private boolean granted() {
    turn.lock();
    boolean granted = !over;
    if (!granted) {
      turn.unlock();
    }
    return granted;
  }

  private void rest() throws RefusedException {
    if (resting != null && turn.getHoldCount() == 1) {
      resting.rest();
    }
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
