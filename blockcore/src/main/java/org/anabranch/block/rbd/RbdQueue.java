// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests of one image: those that wait for room, those that librbd has, and those that have
 * failed because it did not answer in time, and that it has all the same. Any thread.
 *
 * <p>No request is issued or completed under the lock.
 */
final class RbdQueue implements RbdEvents.Taker {
  private static final Logger LOG = LoggerFactory.getLogger(RbdQueue.class);

  /** The most requests that wait for room; further ones fail. */
  static final int MAX_WAITING = 65_536;

  /**
   * The most objects and bytes that requests concern that librbd has. It takes half as much again
   * and more; beyond 1024 objects or 100 MiB its own threads would wait.
   */
  private static final int MAX_OBJECTS = 512;

  private static final long MAX_BYTES = 64 << 20;

  /** After so long without an answer an image counts as interrupted. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long LEAST_TIMER_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final String name;
  private final long image;
  private final long outageNanos;
  private final Scheduler scheduler;
  private final Counters<RbdCounter> counters;

  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final ArrayDeque<RbdRequest> waiting = new ArrayDeque<>();

  /** By id, in the order of their begin. */
  @GuardedBy("lock")
  private final Map<Long, RbdRequest> inFlight = new LinkedHashMap<>();

  @GuardedBy("lock")
  private final Map<Long, RbdRequest> overdue = new LinkedHashMap<>();

  @GuardedBy("lock")
  private long lastId;

  private final LongAdder answers = new LongAdder();

  @GuardedBy("lock")
  private int objects;

  @GuardedBy("lock")
  private long bytes;

  /** Whether a timer will look for overdue requests. */
  @GuardedBy("lock")
  private boolean isTimed;

  /** Why nothing is accepted any more. */
  @GuardedBy("lock")
  private @Nullable IoError gone;

  /** Run, outside the lock, when {@link #gone} is set. */
  @GuardedBy("lock")
  private final Set<Runnable> goneListeners = new LinkedHashSet<>();

  RbdQueue(
      String name,
      long image,
      long outageNanos,
      Scheduler scheduler,
      Counters<RbdCounter> counters) {
    this.name = name;
    this.image = image;
    this.outageNanos = outageNanos;
    this.scheduler = scheduler;
    this.counters = counters;
  }

  /** Takes a request of at most some MiB of data. */
  void submit(Io io) {
    RbdRequest request = null;
    IoError refusal;
    lock.lock();
    try {
      refusal = refusal();
      if (refusal == null) {
        request = new RbdRequest(io, ++lastId, scheduler.nanoTime());
        if (!waiting.isEmpty() || !begin(request)) {
          waiting.add(request);
          request = null;
        }
        time(outageNanos);
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      io.complete(refusal);
    } else if (request != null) {
      issue(request);
    }
  }

  @GuardedBy("lock")
  private @Nullable IoError refusal() {
    return gone != null || waiting.size() < MAX_WAITING
        ? gone
        : IoError.of(IoError.Kind.IO, name + ": " + MAX_WAITING + " requests wait already");
  }

  /** Whether there is room for it, which it then has. */
  @GuardedBy("lock")
  private boolean begin(RbdRequest request) {
    boolean isAlone = objects == 0;
    if (!isAlone
        && (objects + request.objects() > MAX_OBJECTS || bytes + request.bytes() > MAX_BYTES)) {
      return false;
    }
    objects += request.objects();
    bytes += request.bytes();
    inFlight.put(request.id(), request);
    return true;
  }

  @GuardedBy("lock")
  private void time(long nanos) {
    if (!isTimed) {
      isTimed = true;
      scheduler.schedule(this::giveUp, Math.max(LEAST_TIMER_NANOS, nanos));
    }
  }

  private void issue(RbdRequest request) {
    int result = request.issue(image);
    if (result < 0) {
      answered(request.id(), result);
    }
  }

  @Override
  public void answered(long id, long result) {
    List<RbdRequest> next = new ArrayList<>();
    List<RbdRequest> lost = List.of();
    RbdRequest late = null;
    RbdRequest request;
    List<Runnable> hearing = List.of();
    lock.lock();
    try {
      request = inFlight.remove(id);
      if (request == null) {
        late = overdue.remove(id);
      }
      RbdRequest ended = request == null ? late : request;
      if (ended == null) {
        throw new IllegalStateException(name + ": no request " + id);
      }
      answers.increment();
      objects -= ended.objects();
      bytes -= ended.bytes();
      if (result == -RbdErrors.ESHUTDOWN && gone == null) {
        lost = lose();
        hearing = List.copyOf(goneListeners);
      }
      while (!waiting.isEmpty() && begin(waiting.getFirst())) {
        next.add(waiting.removeFirst());
      }
    } finally {
      lock.unlock();
    }
    next.forEach(this::issue);
    if (late != null) {
      counters.increment(RbdCounter.LATE_ANSWERS);
      late.release();
    } else if (request != null) {
      end(request, result);
    }
    IoError why = gone();
    lost.forEach(each -> each.io().complete(why));
    hearing.forEach(Runnable::run);
  }

  /** Ceph has shut this client out: everything fails, if it has not yet. */
  void shutOut() {
    List<RbdRequest> lost;
    List<Runnable> hearing;
    lock.lock();
    try {
      if (gone != null) {
        return;
      }
      lost = lose();
      hearing = List.copyOf(goneListeners);
    } finally {
      lock.unlock();
    }
    IoError why = gone();
    lost.forEach(each -> each.io().complete(why));
    hearing.forEach(Runnable::run);
  }

  /** Accepts nothing any more; what has not ended, and fails now. */
  @GuardedBy("lock")
  private List<RbdRequest> lose() {
    gone =
        IoError.of(
            IoError.Kind.ELSEWHERE,
            name
                + ": another client has taken the image over, and Ceph has shut this one out"
                + " (blocklisted)");
    LOG.info("{}", gone.message()); // whoever uses it says what that means
    return takeAll();
  }

  /** How many requests have been answered. */
  long answers() {
    return answers.sum();
  }

  /** Has {@code listener} run when {@link #gone} is known; at once if it is already. */
  void onGone(Runnable listener) {
    boolean isGone;
    lock.lock();
    try {
      isGone = gone != null;
      if (!isGone) {
        goneListeners.add(listener);
      }
    } finally {
      lock.unlock();
    }
    if (isGone) {
      listener.run();
    }
  }

  /** Does not run a listener any more, unless it runs already. */
  void forgetGone(Runnable listener) {
    lock.lock();
    try {
      goneListeners.remove(listener);
    } finally {
      lock.unlock();
    }
  }

  /** Everything that has not ended; what librbd has is overdue from now on. */
  @GuardedBy("lock")
  private List<RbdRequest> takeAll() {
    List<RbdRequest> all = new ArrayList<>();
    for (RbdRequest request : List.copyOf(inFlight.values())) {
      if (request.isIssued()) { // librbd will fail the others
        inFlight.remove(request.id());
        overdue.put(request.id(), request);
        all.add(request);
      }
    }
    all.addAll(waiting);
    waiting.clear();
    return all;
  }

  private void end(RbdRequest request, long result) {
    Io io = request.io();
    IoError error = null;
    if (result < 0) {
      IoError shut = result == -RbdErrors.ESHUTDOWN ? gone() : null;
      int errno = (int) -result;
      error =
          shut != null
              ? shut
              : new IoError(
                  RbdErrors.kind(errno), io.sector(), name + ": " + Libc.words(errno), null);
    } else if (io.op() == Io.Op.READ && result != io.sectors() << 9) {
      error =
          IoError.io(
              io.sector() + (result >> 9),
              name + ": the image is shorter than it was when it was opened",
              null);
    } else {
      request.fill();
    }
    request.release();
    io.complete(error);
  }

  /** Fails what has waited too long. */
  private void giveUp() {
    List<RbdRequest> failed = new ArrayList<>();
    boolean isNew;
    lock.lock();
    try {
      isTimed = false;
      isNew = overdue.isEmpty();
      long now = scheduler.nanoTime();
      for (Iterator<RbdRequest> all = inFlight.values().iterator(); all.hasNext(); ) {
        RbdRequest request = all.next();
        if (now - request.begin() < outageNanos) {
          break;
        }
        if (request.isIssued()) {
          all.remove();
          overdue.put(request.id(), request);
          failed.add(request);
        }
      }
      while (!waiting.isEmpty() && now - waiting.getFirst().begin() >= outageNanos) {
        failed.add(waiting.removeFirst());
      }
      RbdRequest oldest =
          inFlight.isEmpty() ? waiting.peekFirst() : inFlight.values().iterator().next();
      if (oldest != null) {
        time(oldest.begin() + outageNanos - now);
      }
    } finally {
      lock.unlock();
    }
    if (failed.isEmpty()) {
      return;
    }
    String reason =
        name + ": Ceph has not answered for " + TimeUnit.NANOSECONDS.toSeconds(outageNanos) + " s";
    if (isNew) {
      LOG.warn("{}; requests fail", reason);
    }
    counters.add(RbdCounter.OVERDUE, failed.size());
    IoError error = IoError.of(IoError.Kind.IO, reason);
    failed.forEach(request -> request.io().complete(error));
  }

  /** Why nothing is accepted any more; null as long as Ceph lets this client in. */
  @Nullable IoError gone() {
    lock.lock();
    try {
      return gone;
    } finally {
      lock.unlock();
    }
  }

  /** What has not been answered for a while; null if there is nothing. */
  @Nullable String interruption() {
    lock.lock();
    try {
      if (gone != null) {
        return null;
      }
      int count = waiting.size() + inFlight.size();
      String requests = count + (count == 1 ? " request waits" : " requests wait");
      if (!overdue.isEmpty()) {
        return "Ceph has not answered within "
            + TimeUnit.NANOSECONDS.toSeconds(outageNanos)
            + " s, so that requests have failed; "
            + requests;
      }
      if (inFlight.isEmpty()) {
        return null;
      }
      long age = scheduler.nanoTime() - inFlight.values().iterator().next().begin();
      return age < SLOW_NANOS
          ? null
          : "Ceph has not answered for " + TimeUnit.NANOSECONDS.toSeconds(age) + " s; " + requests;
    } finally {
      lock.unlock();
    }
  }

  /** The image is closed: librbd has ended all that it had. */
  void release() {
    List<RbdRequest> left;
    lock.lock();
    try {
      left = new ArrayList<>(overdue.values());
      overdue.clear();
    } finally {
      lock.unlock();
    }
    left.forEach(RbdRequest::release);
  }
}
