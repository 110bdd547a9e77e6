// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Limits;
import org.anabranch.block.cache.WriteCache;
import org.anabranch.block.cache.WriteCacheCounter;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.NoPaths;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.targets.TargetTypes;
import org.jspecify.annotations.Nullable;

/**
 * A computer from power on to power off: a scheduler, disks, and the real device mapper on top.
 * What it computes with is gone after {@link #afterPowerCut}; of the disks is there what they made
 * durable, and what {@link Choices} leave of the rest.
 */
public final class Machine {
  private final SimScheduler scheduler;
  private final Bounds bounds;
  private final Trace trace;
  private final Sabotage sabotage;
  private final KeptInvalidStores invalidStores;
  private final DeviceMapper mapper;
  private final Map<String, SimDisk> disks = new LinkedHashMap<>();
  private final Map<String, FaultDevice> faults = new LinkedHashMap<>();
  private final IdentityHashMap<MappedDevice, BlockDevice> cached = new IdentityHashMap<>();
  private final List<WriteCache> caches = new ArrayList<>();
  private @Nullable SimRing ring;

  public Machine(long seed, Trace trace) {
    this(seed, Bounds.DEFAULT, trace, Sabotage.NONE);
  }

  /**
   * @param bounds small ones are reached by small devices
   */
  Machine(long seed, Bounds bounds, Trace trace, Sabotage sabotage) {
    this(new SimScheduler(seed, trace), bounds, trace, sabotage, null);
  }

  private Machine(
      SimScheduler scheduler,
      Bounds bounds,
      Trace trace,
      Sabotage sabotage,
      @Nullable Machine before) {
    this.bounds = bounds;
    this.scheduler = scheduler;
    this.trace = trace;
    this.sabotage = sabotage;
    this.invalidStores =
        before == null
            ? new KeptInvalidStores(scheduler)
            : before.invalidStores.afterPowerCut(scheduler);
    List<TargetType> types = TargetTypes.standard(bounds, sabotage.invalidStores(invalidStores));
    this.mapper = new DeviceMapper(scheduler, new NoPaths(), sabotage.types(types));
  }

  /** A step of a device's life was refused, or failed. */
  public static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RefusedException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Adds a disk of zeros, which tables may name. */
  public SimDisk addDisk(String name, long sectors, Limits limits) {
    return attach(new SimDisk(name, sectors, limits, scheduler));
  }

  private SimDisk attach(SimDisk disk) {
    disks.put(disk.name(), disk);
    FaultDevice device = new FaultDevice(disk, scheduler);
    faults.put(disk.name(), device);
    try {
      mapper.addVolume(disk.name(), sabotage.device(disk, device, scheduler));
    } catch (TableException e) {
      throw new IllegalArgumentException(e);
    }
    return disk;
  }

  /** The same computer with the power on again, and nothing mapped. This one stays as it is. */
  public Machine afterPowerCut(long seed, Choices choices) {
    Machine next = new Machine(new SimScheduler(seed, trace), bounds, trace, sabotage, this);
    for (SimDisk disk : disks.values()) {
      next.attach(disk.afterPowerCut(next.scheduler, choices));
    }
    next.ring = ring == null ? null : ring.afterPowerCut(sabotage);
    return next;
  }

  /** The same computer, on which another process begins: nothing is mapped. */
  Machine afterProcessDeath(long seed) {
    Machine next = new Machine(new SimScheduler(seed, trace), bounds, trace, sabotage, this);
    for (SimDisk disk : disks.values()) {
      next.attach(disk.afterProcessDeath(next.scheduler));
    }
    next.ring = ring == null ? null : ring.afterProcessDeath(sabotage);
    return next;
  }

  /** Users use mapped devices through write caches from now on, which share this ring. */
  void cacheWrites(SimRing its) {
    ring = its;
  }

  /** The ring of the write caches; null if there are none. */
  @Nullable SimRing ring() {
    return ring;
  }

  /**
   * What users of a mapped device use: the device, or its write cache.
   *
   * @param owner the device's name in the ring
   */
  BlockDevice inUse(String name, String owner) {
    MappedDevice device = device(name);
    SimRing its = ring;
    if (its == null) {
      return device;
    }
    BlockDevice known = cached.get(device);
    if (known == null) {
      WriteCache cache =
          await(WriteCache.over(device, its.ring(), owner, true), "the write cache of " + name);
      if (cache.failure() != null && !status(name).contains("Invalid")) {
        throw new AssertionError(cache.failure());
      }
      caches.add(cache);
      scheduler.describe(() -> cache.inRing() == 0 ? "" : name + " has writes in its ring");
      known = sabotage.cache(cache, device, scheduler);
      cached.put(device, known);
    }
    return known;
  }

  /** Writes in the ring now. */
  int inRing() {
    return caches.stream().mapToInt(WriteCache::inRing).sum();
  }

  /** What all write caches of this process have counted. */
  long counted(WriteCacheCounter counter) {
    return cached.keySet().stream()
        .mapToLong(device -> device.counts().counters(WriteCacheCounter.class).get(counter))
        .sum();
  }

  public SimScheduler scheduler() {
    return scheduler;
  }

  public DeviceMapper mapper() {
    return mapper;
  }

  public SimDisk disk(String name) {
    return Objects.requireNonNull(disks.get(name), name);
  }

  public Collection<SimDisk> disks() {
    return disks.values();
  }

  /** Where faults of a disk are armed and its requests counted. */
  public FaultDevice faults(String name) {
    return Objects.requireNonNull(faults.get(name), name);
  }

  /** Whether a disk has failed a request since the power came. */
  boolean faulty() {
    return faults.values().stream().anyMatch(device -> device.failures() > 0);
  }

  /** From here on no more faults come, but for what those that came have left behind. */
  void noMoreFaults() {
    faults.values().forEach(device -> device.arm(null));
  }

  /** Makes a disk ready for a new store: there is no header, and no word of an invalid one. */
  void wipe(String disk) {
    disk(disk).poke(0, new byte[512]);
    invalidStores.remove(disk);
  }

  /** A mapped device that is there. */
  public MappedDevice device(String name) {
    try {
      return mapper.device(name);
    } catch (TableException e) {
      throw new AssertionError(e);
    }
  }

  /** The status line of a mapped device that is there. */
  public String status(String name) {
    try {
      return mapper.status(name);
    } catch (TableException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Runs until {@code stage} is done.
   *
   * @throws RefusedException when it has failed
   */
  public <T extends @Nullable Object> T await(CompletionStage<T> stage, String what) {
    try {
      return scheduler.await(stage, what);
    } catch (ExecutionException e) {
      throw new RefusedException(what + ": " + e.getCause(), e.getCause());
    }
  }

  /** Runs until {@code stage} has failed as it should; gives the reason. */
  public String awaitRefusal(CompletionStage<?> stage, String what) {
    try {
      scheduler.await(stage, what);
    } catch (ExecutionException e) {
      Throwable reason = e.getCause() == null ? e : e.getCause();
      return String.valueOf(reason.getMessage());
    }
    throw new AssertionError(what + ": not refused");
  }

  /** Reads a device as it is now, one request at a time; an error fails the run. */
  public byte[] readAll(BlockDevice device) {
    byte[] bytes = new byte[(int) device.sectors() * 512];
    SyncIo io = new SyncIo(scheduler, device);
    int most = 128 * 512;
    for (int at = 0; at < bytes.length; at += most) {
      io.read(at / 512, bytes, at, Math.min(most, bytes.length - at));
    }
    return bytes;
  }

  /** Gives everything back: nothing may be in flight. */
  public void close() {
    disks.values().forEach(SimDisk::close);
  }
}
