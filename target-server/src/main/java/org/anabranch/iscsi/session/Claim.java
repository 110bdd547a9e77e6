// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What one command claims: a place in the session's command window, or one of the few outside it
 * for immediate delivery, and the data memory that it needs beside the place.
 *
 * <pre>
 *   {@link #reserve}   when its header is there, since its data needs a place to go; may wait
 *   {@link #enter}     when its whole PDU is there: only now is its CmdSN used up
 *   {@link #leave}     when it ends, before it is answered: the answer opens the window
 *   {@link #handOver}  its data-in is on its way: the memory is free when that has been sent
 *   {@link #release}   when it has been answered
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
  private final DataMemory memory;
  private Place place = Place.NONE;
  private long bytes;
  private DataMemory.@Nullable Waiter waiter;

  Claim(CommandWindow window, DataMemory memory) {
    this.window = window;
    this.memory = memory;
  }

  /**
   * Reserves data memory, now or later.
   *
   * @param wanted bytes, at most the capacity of the memory
   * @param granted runs on {@code loop} if it had to wait, and was not given up in the meantime
   */
  void reserve(long wanted, Executor loop, Runnable granted) {
    if (memory.tryReserve(wanted)) {
      bytes = wanted;
    } else {
      waiter = memory.await(wanted, loop, () -> grant(wanted, granted));
    }
  }

  private void grant(long wanted, Runnable granted) {
    if (waiter == null) {
      memory.release(wanted); // given up in the meantime
      return;
    }
    waiter = null;
    bytes = wanted;
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

  /** Takes the place that the command's number gives it. */
  void enter() {
    place = Place.WINDOW;
    window.enter();
  }

  /** Takes one of the places for immediate delivery. */
  void enterImmediate() {
    place = Place.IMMEDIATE;
    window.enterImmediate();
  }

  /** Gives the place back; harmless without one. */
  void leave() {
    switch (place) {
      case WINDOW -> window.leave();
      case IMMEDIATE -> window.leaveImmediate();
      case NONE -> {}
    }
    place = Place.NONE;
  }

  /** The bytes beside the place, which are the caller's to release from now on. */
  long handOver() {
    long handed = bytes;
    bytes = 0;
    return handed;
  }

  /** Gives back the bytes beside the place. */
  void release() {
    giveUp();
    if (bytes > 0) {
      memory.release(handOver());
    }
  }
}
