// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.jspecify.annotations.Nullable;

/**
 * The unit attention conditions that one logical unit owes to its I_T nexuses (SAM-5 5.14), oldest
 * first for each. The same condition is never pending twice; a reset takes the place of all that
 * came before it. So a queue is never longer than there are conditions.
 */
public final class UnitAttentions {
  private final Object lock = new Object();

  /** How many conditions are pending in all. */
  @GuardedBy("lock")
  private int pending;

  /** Whether pending is not 0; written under lock, read without it to see quickly that it is. */
  private volatile boolean any;

  /** One entry for each nexus that knows the unit. */
  @GuardedBy("lock")
  private final Map<Nexus, Deque<SenseCode>> queues = new HashMap<>();

  /** A nexus comes to know the unit. */
  public void join(Nexus nexus) {
    synchronized (lock) {
      queues.putIfAbsent(nexus, new ArrayDeque<>(2));
    }
  }

  /** Those that know the unit now: sessions of whatever target. */
  public Set<Nexus> nexuses() {
    synchronized (lock) {
      return Set.copyOf(queues.keySet());
    }
  }

  public void leave(Nexus nexus) {
    synchronized (lock) {
      Deque<SenseCode> queue = queues.remove(nexus);
      if (queue != null) {
        pending -= queue.size();
        any = pending > 0;
      }
    }
  }

  /** Owes {@code code} to every nexus but one. */
  public void addToAll(SenseCode code, @Nullable Nexus except) {
    addIf(nexus -> !nexus.equals(except), code);
  }

  /** Owes {@code code} to the nexuses that {@code which} chooses. */
  public void addIf(Predicate<Nexus> which, SenseCode code) {
    synchronized (lock) {
      queues.forEach((nexus, queue) -> {
        if (which.test(nexus)) {
          add(queue, code);
        }
      });
    }
  }

  public void add(Nexus nexus, SenseCode code) {
    synchronized (lock) {
      Deque<SenseCode> queue = queues.get(nexus);
      if (queue != null) {
        add(queue, code);
      }
    }
  }

  @GuardedBy("lock")
  private void add(Deque<SenseCode> queue, SenseCode code) {
    if (isReset(code)) {
      pending -= queue.size();
      any = pending > 0;
      queue.clear();
    }
    if (!queue.contains(code)) {
      queue.add(code);
      pending++;
      any = true;
    }
  }

  private static boolean isReset(SenseCode code) {
    return code.additional >> 8 == 0x29;
  }

  /** Takes the oldest condition owed to the nexus, or null. */
  public @Nullable SenseCode take(Nexus nexus) {
    if (!any) {
      return null;
    }
    synchronized (lock) {
      Deque<SenseCode> queue = queues.get(nexus);
      SenseCode code = queue == null ? null : queue.poll();
      if (code != null) {
        pending--;
        any = pending > 0;
      }
      return code;
    }
  }

  /** The nexus has learnt of {@code code} in another way. */
  public void clear(Nexus nexus, SenseCode code) {
    synchronized (lock) {
      Deque<SenseCode> queue = queues.get(nexus);
      if (queue != null && queue.remove(code)) {
        pending--;
        any = pending > 0;
      }
    }
  }
}
