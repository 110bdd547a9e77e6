// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.SingleThreadIoEventLoop;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An event loop whose thread may make calls that block. Between two turns, when nothing of the loop
 * is half done, the thread leaves the loop, makes the calls that the turn has brought, and enters
 * it again.
 *
 * <pre>
 *   owner      the thread that drives the loop; inEventLoop() is true for it alone
 *   no owner   the last owner makes a call. {@link LoopWatch} sees the same call twice: it makes a
 *              thread that stands by the owner, which goes on with the loop and with the calls that
 *              were to come after the one that blocks
 *   a call     the thread that made it is the owner again, if there is no other one; otherwise it
 *   returns    stands by from now on, or ends if another one does
 * </pre>
 *
 * A call is made only while a thread stands by. So a loop goes on whatever blocks, and whether the
 * system has threads to give or not: without one that stands by, devices use their own threads.
 *
 * <p>To be relieved without need, because the system did not let a thread run for a while, costs a
 * change of threads and nothing else.
 */
final class RelievedLoop extends SingleThreadIoEventLoop {
  private static final Logger LOG = LoggerFactory.getLogger(RelievedLoop.class);

  /** Calls after which what has ended is answered, though more are to be made. */
  private static final int BATCH = 32;

  /** The longest time for tasks in one turn, as Netty's own loops have it. */
  private static final long TASK_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Threads at most that work for a loop: how many calls may hang at once. */
  private static final int MOST_THREADS = 8;

  private final LoopWatch watch;
  private final AtomicReference<@Nullable Thread> owner = new AtomicReference<>();

  /** Calls to be made. Polled by the owner only. */
  private final Queue<Runnable> calls = new ConcurrentLinkedQueue<>();

  /** How often the loop was left for a call. Written by the owner only. */
  private final AtomicLong left = new AtomicLong();

  /** Connections that were given to this loop and are still open. */
  private final AtomicInteger connections = new AtomicInteger();

  /** The value of {@link #left} when the watch looked last; its own. */
  private long seen;

  @GuardedBy("standingBy")
  private final ArrayDeque<LoopThread> standingBy = new ArrayDeque<>();

  /** Whether there is one that stands by. Written with its lock held. */
  private volatile boolean relieved;

  /** All but Netty's. */
  @GuardedBy("standingBy")
  private int threads;

  @GuardedBy("standingBy")
  private int started;

  /** The thread from Netty, which initializes the loop and cleans up after it. */
  private volatile @Nullable LoopThread first;

  /** The loop has ended. */
  private volatile boolean ended;

  RelievedLoop(
      IoEventLoopGroup parent, Executor executor, IoHandlerFactory handlers, LoopWatch watch) {
    super(parent, executor, handlers);
    this.watch = watch;
  }

  @Override
  public boolean inEventLoop(Thread thread) {
    return thread.equals(owner.get()); // a thread equals itself alone
  }

  @Override
  protected void run() {
    LoopThread me = (LoopThread) Thread.currentThread();
    me.worksFor(this);
    first = me;
    owner.set(me);
    ioHandler().initialize();
    drive(me);
    while (owner.get() != me) { // another thread has driven it to its end
      LockSupport.park(this);
    }
  }

  /** Drives the loop whenever it is {@code me} that owns it, until the loop or the thread ends. */
  private void drive(LoopThread me) {
    do {
      boolean owns = true;
      while (owns) {
        runIo();
        if (isShuttingDown()) {
          ioHandler().prepareToDestroy();
        }
        runAllTasks(TASK_NANOS);
        owns = makeCalls(me);
        if (owns && confirmShutdown()) {
          end();
          return;
        }
      }
    } while (standBy(me));
  }

  // --- connections --------------------------------------------------------------------------

  int connections() {
    return connections.get();
  }

  void addConnection() {
    connections.incrementAndGet();
  }

  void removeConnection() {
    connections.decrementAndGet();
  }

  // --- calls --------------------------------------------------------------------------------

  /** See {@link org.anabranch.block.RelievedThread#offer}. */
  boolean offer(Runnable call) {
    if (!relieved) {
      watch.wake();
      return false;
    }
    calls.add(call);
    return true;
  }

  @Override
  protected boolean hasTasks() { // if so, a turn does not wait for the network
    return super.hasTasks() || !calls.isEmpty();
  }

  /**
   * Makes the calls that wait.
   *
   * @return false if another thread has taken the loop over
   */
  private boolean makeCalls(LoopThread me) {
    Runnable call = calls.poll();
    while (call != null) {
      for (int i = 0; i < BATCH && call != null; i++) {
        if (!leaveFor(call, me)) {
          return false;
        }
        call = calls.poll();
      }
      runAllTasks(TASK_NANOS); // answers what has ended
    }
    return true;
  }

  private boolean leaveFor(Runnable call, LoopThread me) {
    left.setPlain(left.getPlain() + 1);
    owner.set(null);
    watch.wake();
    try {
      call.run();
    } catch (RuntimeException | Error e) {
      LOG.error("{}", me.getName(), e);
    }
    if (owner.compareAndSet(null, me)) {
      return true;
    }
    if (!calls.isEmpty()) {
      wakeOwner();
    }
    return false;
  }

  private void wakeOwner() {
    try {
      execute(() -> {}); // it may wait for the network
    } catch (RejectedExecutionException e) {
      LOG.debug("the loop has ended", e);
    }
  }

  // --- threads that stand by ----------------------------------------------------------------

  /**
   * Waits until this thread is the owner.
   *
   * @return false if it is to end
   */
  private boolean standBy(LoopThread me) {
    synchronized (standingBy) {
      if (me != first && !standingBy.isEmpty()) {
        threads--;
        return false;
      }
      standingBy.push(me);
      relieved = true;
    }
    while (owner.get() != me && !ended) {
      LockSupport.park(this);
    }
    return !ended;
  }

  /**
   * Sees to it that a loop goes on whose owner makes a call that blocks, and that a thread stands
   * by. The watch calls it again and again as long as calls are made.
   *
   * @return whether calls were made since it was last called
   */
  boolean look() {
    long now = left.get();
    boolean same = now == seen;
    seen = now;
    if (same && owner.get() == null && first != null && !ended) {
      relieve();
    }
    if (!relieved && first != null && !ended) {
      startOne();
    }
    return !same || owner.get() == null;
  }

  private void relieve() {
    LoopThread next;
    synchronized (standingBy) {
      next = standingBy.poll();
      relieved = !standingBy.isEmpty();
      if (next != null && !owner.compareAndSet(null, next)) {
        standingBy.push(next); // the call has just returned
        relieved = true;
        next = null;
      }
    }
    if (next != null) {
      LOG.debug("a call takes long: {} goes on with the loop", next.getName());
      LockSupport.unpark(next);
    }
  }

  private void startOne() {
    LoopThread standIn;
    synchronized (standingBy) {
      if (!standingBy.isEmpty() || threads == MOST_THREADS) {
        return;
      }
      threads++;
      started++;
      standIn =
          new LoopThread(
              null,
              this::standIn,
              Objects.requireNonNull(first).getName() + " stand-in " + started);
    }
    standIn.setDaemon(true);
    try {
      standIn.start();
    } catch (OutOfMemoryError e) { // what Java says when the system refuses a thread
      LOG.debug("no thread can stand by: {}", e.getMessage());
      synchronized (standingBy) {
        threads--;
      }
    }
  }

  private void standIn() {
    LoopThread me = (LoopThread) Thread.currentThread();
    me.worksFor(this);
    if (standBy(me)) {
      drive(me);
    }
  }

  /** The loop is at its end: the rest is for the thread from Netty. */
  private void end() {
    LoopThread last = Objects.requireNonNull(first);
    ended = true;
    owner.set(last);
    synchronized (standingBy) {
      standingBy.forEach(LockSupport::unpark);
    }
    LockSupport.unpark(last);
  }
}
