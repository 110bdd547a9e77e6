// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Io;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mapped devices of a server, in the order in which they were made: they are taken down in the
 * other. Each change waits for the block layer and is refused with its reason. Any thread.
 */
public final class MappedDevices {
  private static final Logger LOG = LoggerFactory.getLogger(MappedDevices.class);

  /** How long it takes to close a device whose disk works. */
  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final DeviceMapper mapper;
  private final Set<String> readOnly = ConcurrentHashMap.newKeySet();

  /** The newest first. Guarded by itself. */
  private final Deque<String> made = new ArrayDeque<>();

  MappedDevices(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  /** Makes a mapped device with a table in dmsetup's text. */
  void create(String what, String name, String table) throws RefusedException {
    Stages.await(what, mapper.create(name, table));
    adopt(name);
    LOG.debug("{}: {}", what, table.replace("\n", "; "));
  }

  /** Makes a mapped device with a table. */
  public void create(String what, String name, TableSpec table) throws RefusedException {
    Stages.await(what, mapper.create(name, table));
    adopt(name);
    LOG.debug("{}: {}", what, table);
  }

  /** Makes a mapped device with a table that waits for the first resume. */
  public void prepare(String what, String name, TableSpec table) throws RefusedException {
    Stages.await(what, mapper.create(name));
    adopt(name);
    try {
      Stages.<@Nullable Void>await(what, mapper.load(name, table));
    } catch (RefusedException e) {
      removeAfter(name, e);
      throw e;
    }
    LOG.debug("{}: {}", what, table);
  }

  private void removeAfter(String name, RefusedException reason) {
    try {
      remove(name);
    } catch (RefusedException e) {
      reason.addSuppressed(e);
    }
  }

  /** Takes care of a device that was made elsewhere: it is taken down at the end. */
  public void adopt(String name) {
    synchronized (made) {
      made.push(name);
    }
  }

  /** Gives a mapped device another name. */
  public void rename(String name, String newName) throws RefusedException {
    Stages.<@Nullable Void>await("dm rename " + name, mapper.rename(name, newName));
    if (readOnly.remove(name)) {
      readOnly.add(newName);
    }
    if (readOnly.remove(name)) {
      readOnly.add(newName);
    }
    synchronized (made) {
      List<String> renamed = made.stream().map(each -> each.equals(name) ? newName : each).toList();
      made.clear();
      made.addAll(renamed);
    }
  }

  /** Takes a mapped device down. */
  public void remove(String name) throws RefusedException {
    remove(name, Stages.PATIENCE);
  }

  private void remove(String name, Duration within) throws RefusedException {
    Stages.<@Nullable Void>await(name, mapper.remove(name), within);
    readOnly.remove(name);
    synchronized (made) {
      made.remove(name);
    }
    LOG.debug("{}: removed", name);
  }

  /** Whether there is such a mapped device. */
  public boolean has(String name) {
    return mapper.ls().contains(name);
  }

  /** A device's length in sectors. */
  public long sectors(String name) throws RefusedException {
    try {
      return mapper.device(name).sectors();
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /** How long a device is, in bytes. */
  public long bytes(String name) throws RefusedException {
    try {
      return mapper.device(name).sectors() * 512;
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /** Whether somebody holds the device open. */
  public boolean isHeld(String name) throws RefusedException {
    try {
      return mapper.info(name).openCount() > 0;
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /** The devices that are made of this one, directly or by others. */
  public List<String> above(String name) throws RefusedException {
    try {
      return mapper.above(name);
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /** Whether a device's live or loaded table stands on another device; not by way of a third. */
  public boolean standsOn(String name, String below) {
    try {
      return mapper.dependsOn(name).contains(mapper.device(below));
    } catch (TableException e) {
      LOG.debug("{} or {} is gone: {}", name, below, e.getMessage());
      return false;
    }
  }

  /** Marks a device as one that initiators cannot write, until it is removed. */
  public void readOnly(String name) {
    readOnly.add(name);
  }

  /** Whether it was marked so. */
  public boolean isReadOnly(String name) {
    return readOnly.contains(name);
  }

  /** Holds a volume or device open. */
  public OpenDevice hold(String name) throws RefusedException {
    try {
      return mapper.open(name);
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /**
   * Makes durable what has been written to a device. May wait.
   *
   * @throws RefusedException when it could not be made durable
   */
  public void flush(String name) throws RefusedException {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    OpenDevice open = holdSettled(name);
    open.device()
        .submit(
            Io.flush((io, error) -> {
              open.release();
              if (error == null) {
                done.complete(null);
              } else {
                done.completeExceptionally(error.toException());
              }
            }));
    Stages.<@Nullable Void>await(name + ": what was written is not durable", done);
  }

  /**
   * Holds a device open for somebody who uses it beside its LUNs: first all writes go down to it
   * that a write cache has acknowledged. Waits for that.
   */
  public OpenDevice holdSettled(String name) throws RefusedException {
    OpenDevice open = hold(name);
    try {
      settle(name);
      return open;
    } catch (RefusedException e) {
      open.close();
      throw e;
    }
  }

  /**
   * Waits until a device has all writes that its write cache has acknowledged. To be called before
   * the first durable step of a change, during which write caches rest: a write that came to the
   * device later, by a replay after a crash, would undo the change.
   *
   * @throws RefusedException if the disk does not take them in a minute
   */
  public void settle(String name) throws RefusedException {
    try {
      Stages.<@Nullable Void>await(
          name + ": nothing was changed: writes that were acknowledged from the write cache",
          mapper.device(name).settled());
    } catch (OverdueException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /**
   * Lets requests flow in devices that are suspended, before a stop; a table that is loaded is not
   * taken. A refusal is logged.
   */
  public void resumeAll(Duration within) {
    try {
      Stages.<@Nullable Void>await("resume of suspended devices", mapper.resumeAll(), within);
    } catch (RefusedException e) {
      LOG.error("{}", e.getMessage());
    }
  }

  /**
   * Makes durable what has been written to any device. What fails, or is not done {@code within}
   * this time, is logged by its name.
   *
   * @return whether all is durable
   */
  public boolean sync(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    boolean good = true;
    for (Map.Entry<String, CompletionStage<@Nullable Void>> each : mapper.sync().entrySet()) {
      try {
        Stages.<@Nullable Void>await("sync: not durable", each.getValue(), left(deadline));
      } catch (OverdueException e) {
        LOG.error(
            "{}: not synced after {} s, and given up: its disk hangs",
            each.getKey(),
            within.toSeconds());
        good = false;
      } catch (RefusedException e) {
        LOG.error("{}", e.getMessage());
        good = false;
      }
    }
    return good;
  }

  private static Duration left(long deadline) {
    return Duration.ofNanos(Math.max(deadline - System.nanoTime(), LEAST_NANOS));
  }

  /** All that were made, the newest first. */
  List<String> names() {
    synchronized (made) {
      return List.copyOf(made);
    }
  }

  /**
   * Takes every device down, which makes their images durable. What hangs is given up.
   *
   * @param within the time for all of them; each has a moment more
   * @return whether all went well
   */
  boolean close(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    boolean good = true;
    for (String name : names()) {
      try {
        remove(name, left(deadline));
      } catch (OverdueException e) {
        LOG.error("{}: not closed, and given up: its disk hangs", name);
        good = false;
      } catch (RefusedException e) {
        LOG.error("{}", e.getMessage());
        good = false;
      }
    }
    return good;
  }
}
