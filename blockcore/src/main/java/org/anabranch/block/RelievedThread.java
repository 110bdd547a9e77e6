// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

/**
 * A thread that is never held up, such as one of an event loop, although it makes system calls that
 * may block: while such a call takes long, another thread does the rest of its work.
 *
 * <p>A small write into the page cache takes a few microseconds, and to hand it to another thread
 * and back takes as long again. But any write may block, for as long as its disk hangs. So a device
 * makes writes that are probably quick on the thread that submits them if that is a relieved one,
 * and on a thread of its own otherwise.
 */
public interface RelievedThread {
  /**
   * Makes a call on this thread soon, but not inside of this method, which is called on this thread
   * only. Calls are made in the order of their arrival unless one of them takes long.
   *
   * @return false, with nothing done, if no other thread stands by just now: the caller must not
   *     block this one
   */
  boolean offer(Runnable call);

  /**
   * Runs a task soon, on this thread or on the one that has relieved it. The task must not block.
   * Any thread.
   *
   * @return false, with nothing done, if neither runs tasks any more
   */
  boolean execute(Runnable task);

  /**
   * Lets a request that waits go on where it came from. A relieved thread makes small writes
   * itself; on any other one, such as that which has just made a sync, each write would need a
   * change of threads of its own.
   *
   * @return {@code then}, to be run on any thread: it goes on with the thread that calls this
   *     method if that is a relieved one, and else where it is run
   */
  static Runnable backHere(Runnable then) {
    if (!(Thread.currentThread() instanceof RelievedThread here)) {
      return then;
    }
    return () -> {
      if (Thread.currentThread() instanceof RelievedThread || !here.execute(then)) {
        then.run();
      }
    };
  }
}
