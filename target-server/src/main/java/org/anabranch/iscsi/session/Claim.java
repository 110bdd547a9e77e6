// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.util.concurrent.Executor;
import org.anabranch.iscsi.shares.DataMemory;
import org.jspecify.annotations.Nullable;

/**
 * The resources of one command: a place in the session's command window, or one of the few places
 * for immediate delivery, and the data memory that it needs in addition.
 *
 * <pre>
 *   {@link #cover}     when its header has been received, if its place in the window has memory
 *   {@link #reserve}   then, what it needs beyond that; may have to wait
 *   {@link #enter}     when its PDU is complete: now its CmdSN is used up
 *   {@link #leave}     when it ends, before its response, which reports the window
 *   {@link #handOver}  its data-in is queued: the memory is released when it has been sent
 *   {@link #release}   when its response has been queued
 * </pre>
 *
 * Owned by the session's event loop.
 */
final class Claim {
  private enum Place {
    NONE,
    WINDOW,
    IMMEDIATE
  }

  private final CommandWindow window;
  private final DataMemory.Account memory;
  private Place place = Place.NONE;
  private boolean covered;
  private long bytes;
  private DataMemory.@Nullable Waiter waiter;

  Claim(CommandWindow window, DataMemory.Account memory) {
    this.window = window;
    this.memory = memory;
  }

  /** Takes the memory of a place in the window, if there is some: its {@code placeBytes}. */
  boolean cover() {
    covered = window.cover();
    return covered;
  }

  /** Reserves data memory now or not at all. */
  boolean tryReserve(long wanted) {
    if (!memory.tryReserve(wanted)) {
      return false;
    }
    bytes += wanted;
    return true;
  }

  /**
   * Reserves data memory, now or later.
   *
   * @param wanted bytes, at most the capacity of the memory
   * @param granted runs on {@code loop} if it had to wait, and was not given up in the meantime
   */
  void reserve(long wanted, Executor loop, Runnable granted) {
    if (!tryReserve(wanted)) {
      waiter = memory.await(wanted, loop, () -> grant(wanted, granted));
    }
  }

  private void grant(long wanted, Runnable granted) {
    if (waiter == null) {
      memory.release(wanted); // given up in the meantime
      return;
    }
    waiter = null;
    bytes += wanted;
    granted.run();
  }

  boolean isWaiting() {
    return waiter != null;
  }

  /** Stops waiting for memory. */
  void giveUp() {
    DataMemory.Waiter given = waiter;
    waiter = null;
    if (given != null) {
      memory.cancel(given); // if it was granted already, grant() gives it back
    }
  }

  /** Takes the place of its CmdSN. */
  void enter() {
    place = Place.WINDOW;
    window.enter();
  }

  /** Takes one of the places for immediate delivery. */
  void enterImmediate() {
    place = Place.IMMEDIATE;
    window.enterImmediate();
  }

  /** Gives the place back, if it has one, and its memory. */
  void leave() {
    if (covered) {
      covered = false;
      window.uncover();
    }
    switch (place) {
      case WINDOW -> window.leave();
      case IMMEDIATE -> window.leaveImmediate();
      case NONE -> {}
    }
    place = Place.NONE;
  }

  /** Passes the additional bytes to the caller, who releases them. */
  long handOver() {
    long handed = bytes;
    bytes = 0;
    return handed;
  }

  /** Releases the additional bytes. */
  void release() {
    giveUp();
    if (bytes > 0) {
      memory.release(handOver());
    }
  }
}
