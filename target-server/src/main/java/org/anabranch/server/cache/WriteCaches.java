// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.cache.Ring;
import org.anabranch.block.cache.RingFile;
import org.anabranch.block.cache.WriteCache;
import org.anabranch.block.dm.DeviceListener;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.TableException;
import org.anabranch.config.WriteCacheConfig;
import org.anabranch.config.source.RbdSource;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.Changes;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The write caches of a server's LUNs, which share one ring.
 *
 * <dl>
 *   <dt>Which LUNs have one?
 *   <dd>Those on volumes and snapshots. Not those on {@code devices}, and not those on RBD images:
 *       an image may be served by another machine next, which does not have this one's ring.
 *   <dt>What becomes of writes that the server before this one has left in the ring?
 *   <dd>In the same boot of the kernel they are replayed when the server starts, before a LUN is
 *       served, whether or not writes are cached now. Those of a volume that is left out stay in
 *       the ring until it comes back. Those of a disk that is not configured any more are dropped,
 *       and the log says so. After another boot the ring is discarded.
 *   <dt>What if the ring cannot be opened?
 *   <dd>If its file is there, it may hold acknowledged writes: the server does not start. If it is
 *       not, no write is cached, and a warning says so.
 *   <dt>What happens while something is changed, as by {@code snapshot create}?
 *   <dd>Before its first step all caches bring to their devices what they have acknowledged, and
 *       until its last step they acknowledge nothing early. So what a replay finds is never older
 *       than what a change has made durable: it belongs after the change.
 *   <dt>What if a disk hangs, so that its cache cannot be brought to rest?
 *   <dd>Changes of that volume wait for it, and are refused in the end ({@code
 *       MappedDevices.settle}). Changes of others wait for {@link #PATIENCE} once, and then go on.
 *   <dt>What happens at a stop?
 *   <dd>Everything goes down, and the file of an empty ring is deleted.
 * </dl>
 *
 * <p>Any thread.
 */
public final class WriteCaches implements WarningSource, Changes.Resting {
  private static final Logger LOG = LoggerFactory.getLogger(WriteCaches.class);

  /** How long a change waits for caches that do not come to rest. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final boolean on;

  /** Null if there is no ring. */
  private final @Nullable RingFile file;

  private final @Nullable Warning problem;

  @GuardedBy("this")
  private final IdentityHashMap<MappedDevice, WriteCache> caches = new IdentityHashMap<>();

  /** Caches that did not come to rest in time, until they do. */
  @GuardedBy("this")
  private final Set<WriteCache> late = new HashSet<>();

  /** Whether a change is under way. */
  @GuardedBy("this")
  private boolean resting;

  /** Disks that are left out and have writes in the ring. */
  @GuardedBy("this")
  private final Set<String> awaited = new HashSet<>();

  /** Whether all was replayed that could be. */
  @GuardedBy("this")
  private boolean started;

  private WriteCaches(OpenedRing ring) {
    this.on = ring.on();
    this.file = ring.file();
    this.problem = ring.problem();
  }

  /** The ring's file. */
  public static Path path(WriteCacheConfig config, Path stateFolder) {
    return OpenedRing.path(config, stateFolder);
  }

  /**
   * Opens the ring, if there is one or is to be one.
   *
   * @throws RefusedException if a ring that is there cannot be opened
   */
  public static WriteCaches open(WriteCacheConfig config, Path stateFolder)
      throws RefusedException {
    return new WriteCaches(OpenedRing.open(config, stateFolder));
  }

  /** Whether there is a ring, either for new writes or with those of a server before this one. */
  public boolean hasRing() {
    return file != null;
  }

  /** Whether the volumes of a source have write caches. */
  public static boolean serves(VolumeSource source) {
    return !(source instanceof RbdSource);
  }

  /** Whether a disk has writes in the ring that were not replayed. */
  public boolean hasLeft(String identity) {
    return file != null && file.ring().owners().contains(identity);
  }

  /**
   * What a LUN uses in place of a volume's or snapshot's device. What was left of it is replayed
   * first; nobody may use the device meanwhile. Waits for that.
   *
   * @param identity who the disk is, for ever
   */
  public BlockDevice over(BlockDevice device, String identity) throws RefusedException {
    if (file == null || !(device instanceof MappedDevice mapped)) {
      return device;
    }
    Ring ring = file.ring();
    synchronized (this) {
      WriteCache known = caches.get(mapped);
      if (known != null) {
        return known;
      }
      if (hasLeft(identity) && started && !awaited.remove(identity)) {
        drop(ring, identity); // of a snapshot that was called so before
      }
    }
    if (!on && !hasLeft(identity)) {
      return device;
    }
    WriteCache cache =
        Stages.await(
            "write cache of " + device.name(), WriteCache.over(mapped, ring, identity, on));
    synchronized (this) {
      caches.put(mapped, cache);
      if (resting) {
        var _ = cache.pause(); // nothing is in it yet
      }
    }
    forgetWhenRemoved(mapped);
    return cache;
  }

  private void forgetWhenRemoved(MappedDevice device) throws RefusedException {
    DeviceListener listener =
        new DeviceListener() {
          @Override
          public void event(long number) {}

          @Override
          public void removed() {
            synchronized (WriteCaches.this) {
              late.remove(caches.remove(device));
            }
          }
        };
    try {
      var _ = device.listen(listener);
    } catch (TableException e) {
      throw new RefusedException("write cache of " + device.name() + ": " + e.getMessage(), e);
    }
  }

  /**
   * All devices are there that are served, and what they had in the ring was replayed. The rest is
   * of disks that are left out, or are no more.
   *
   * @param mayComeBack whether something is left out
   */
  public void started(boolean mayComeBack) {
    if (file == null) {
      return;
    }
    synchronized (this) {
      started = true;
      boolean failed = caches.values().stream().anyMatch(cache -> cache.failure() != null);
      for (String owner : file.ring().owners()) {
        if (mayComeBack && !owner.isEmpty()) {
          awaited.add(owner);
        } else if (!failed) { // else they may be those that could not be replayed
          drop(file.ring(), owner);
        }
      }
    }
  }

  private static void drop(Ring ring, String owner) {
    if (owner.isEmpty()) {
      LOG.error("write cache: a part of the ring was damaged; what it held is lost");
    } else {
      LOG.warn(
          "write cache: {} acknowledged writes of disk {} are dropped: there is no such disk any more",
          ring.leftovers(owner),
          owner);
    }
    ring.forget(owner);
  }

  @Override
  public synchronized List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    if (problem != null) {
      warnings.add(problem);
    }
    for (WriteCache cache : caches.values()) {
      String failure = cache.failure();
      if (failure != null) {
        warnings.add(
            new Warning(
                "write cache of " + cache.name(),
                failure,
                "put its disk right and restart the server; check the file systems of its hosts"));
      }
    }
    for (WriteCache cache : late) {
      warnings.add(
          new Warning(
              "write cache of " + cache.name(),
              "its disk has not taken all writes that were acknowledged; changes of it wait",
              "see why its disk does not answer"));
    }
    for (String owner : awaited) {
      warnings.add(
          new Warning(
              "write cache",
              "acknowledged writes of disk " + owner + " wait until it is served again",
              "put right what is left out, in this boot of the machine"));
    }
    return warnings;
  }

  @Override
  public void rest() {
    List<WriteCache> all;
    synchronized (this) {
      resting = true;
      all = List.copyOf(caches.values());
    }
    List<CompletionStage<@Nullable Void>> drained = all.stream().map(WriteCache::pause).toList();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (int i = 0; i < all.size(); i++) {
      await(all.get(i), drained.get(i), deadline);
    }
  }

  private void await(WriteCache cache, CompletionStage<@Nullable Void> drained, long deadline) {
    boolean wasLate;
    synchronized (this) {
      wasLate = late.contains(cache);
    }
    try {
      Stages.<@Nullable Void>await(
          "write cache of " + cache.name(),
          drained,
          Duration.ofNanos(wasLate ? 0 : deadline - System.nanoTime()));
    } catch (RefusedException e) {
      if (!wasLate) {
        LOG.error("{}; changes of it wait", e.getMessage());
        synchronized (this) {
          late.add(cache);
        }
        var _ = drained.thenRun(() -> noLongerLate(cache));
      }
    }
  }

  private synchronized void noLongerLate(WriteCache cache) {
    late.remove(cache);
  }

  @Override
  public void goOn() {
    List<WriteCache> all;
    synchronized (this) {
      resting = false;
      all = List.copyOf(caches.values());
    }
    all.forEach(WriteCache::goOn);
  }

  /** Waits until all that was acknowledged is on its devices; whether it is. */
  public boolean drain(Duration within) {
    List<WriteCache> all;
    synchronized (this) {
      all = List.copyOf(caches.values());
    }
    long deadline = System.nanoTime() + within.toNanos();
    boolean good = true;
    for (WriteCache cache : all) {
      try {
        Stages.<@Nullable Void>await(
            "write cache of " + cache.name(),
            cache.drain(),
            Duration.ofNanos(Math.max(deadline - System.nanoTime(), 0)));
      } catch (RefusedException e) {
        LOG.error("{}", e.getMessage());
        good = false;
      }
      good &= cache.failure() == null;
    }
    return good;
  }

  /** Gives the ring back; its devices have been removed. */
  public void close() {
    if (file != null) {
      OpenedRing.close(file);
    }
  }
}
