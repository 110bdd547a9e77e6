// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The disks that hosts may use now, and which use them. Thread-safe. A disk that is withdrawn is
 * used no more when {@link #withdraw} returns, so that its LUN may become another disk.
 */
public final class ServedDisks {
  /**
   * A disk.
   *
   * @param name in the history
   * @param target which of the connector's targets has it
   * @param blocks its length, in logical blocks
   * @param blockSize bytes of a logical block
   * @param writable whether hosts write to it
   */
  public record Served(
      String name, String target, int lun, int blocks, int blockSize, boolean writable) {}

  /** The disk as it is served; null if it is not. */
  public @Nullable Served served(String name) {
    lock.lock();
    try {
      return served.get(name);
    } finally {
      lock.unlock();
    }
  }

  /** A disk in use; ends with {@link #close}. */
  public final class Use implements AutoCloseable {
    private final Served disk;
    private boolean over; // guarded by lock

    private Use(Served disk) {
      this.disk = disk;
    }

    public Served disk() {
      return disk;
    }

    @Override
    public void close() {
      lock.lock();
      try {
        if (!over) {
          over = true;
          uses.merge(disk.name, -1, Integer::sum);
          changed.signalAll();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<String, Served> served = new HashMap<>(); // guarded by lock
  private final Map<String, Integer> uses = new HashMap<>(); // guarded by lock

  /** Hosts may use this disk, or use it in another way than until now. */
  public void serve(Served disk) {
    lock.lock();
    try {
      served.put(disk.name, disk);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until nobody uses the disk, and nobody can begin to. */
  public void withdraw(String name, long seconds) throws InterruptedException, TimeoutException {
    lock.lock();
    try {
      served.remove(name);
      long left = TimeUnit.SECONDS.toNanos(seconds);
      while (uses.getOrDefault(name, 0) > 0) {
        if (left <= 0) {
          throw new TimeoutException(name + " is in use after " + seconds + " s");
        }
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** All disks of a target. */
  List<Served> of(String target) {
    lock.lock();
    try {
      List<Served> disks = new ArrayList<>(served.values());
      disks.removeIf(disk -> !disk.target.equals(target));
      return disks;
    } finally {
      lock.unlock();
    }
  }

  /** Begins to use a disk as it is now; null if it is not served. */
  @Nullable Use use(String name) {
    lock.lock();
    try {
      Served disk = served.get(name);
      if (disk == null) {
        return null;
      }
      uses.merge(name, 1, Integer::sum);
      return new Use(disk);
    } finally {
      lock.unlock();
    }
  }

  /** Begins to use one of a target's disks; null if it has none. */
  @Nullable Use any(String target, SplittableRandom random) {
    List<Served> disks = of(target);
    return disks.isEmpty() ? null : use(disks.get(random.nextInt(disks.size())).name);
  }
}
