// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.config.StoresConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.stores.StorePlaces;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;

/**
 * How the stores of snapshots grow, and when to warn.
 *
 * <dl>
 *   <dt>When does a store grow?
 *   <dd>When the configured part of it is in use, seen once in {@value #PERIOD_MILLIS} ms by the
 *       thread {@code stores}; and when it is full, whoever needs the room waiting for it. So it
 *       does not become invalid because somebody writes fast.
 *   <dt>How far?
 *   <dd>By a step, or what the file system has left; to the limit, or to what the volume can need.
 *       The length of the file is what a restart finds.
 *   <dt>What when it cannot grow?
 *   <dd>The log and the status warn for as long as it is so. A full store then makes its snapshot
 *       invalid; so does a file system that is full. The volume goes on.
 * </dl>
 *
 * Any thread.
 */
public final class Stores {
  private static final long PERIOD_MILLIS = 250;

  /** A file system with less than this left is full. */
  private static final long LEAST = 64 << 10;

  /** An empty store: its header, an area of its list, and a chunk of data. */
  private static final long EMPTY_CHUNKS = 3;

  private static final int PAGE = 4096;

  private final Storage storage;
  private final Supplier<StoresConfig> config;
  private final Path folder;
  private final SnapshotRegistry registry;
  private final SnapshotDevices devices;

  private final CountDownLatch closing = new CountDownLatch(1);

  /**
   * @param config how stores grow, asked each time
   * @param folder of the stores, which need not exist yet
   * @param registry all snapshots there are
   */
  public Stores(
      Storage storage,
      Supplier<StoresConfig> config,
      Path folder,
      SnapshotRegistry registry,
      SnapshotDevices devices) {
    this.storage = storage;
    this.config = config;
    this.folder = folder;
    this.registry = registry;
    this.devices = devices;
  }

  public void start() {
    Thread.ofPlatform().daemon().name("stores").start(this::run);
  }

  /** To be called before a snapshot's device is made. */
  public void opening(SnapshotState snapshot) {
    storage.stores().mayGrow(snapshot.deviceStore(), bytes -> next(snapshot, bytes));
  }

  /** Refuses a second store for a snapshot where not even an empty one fits. */
  void refuseUnlessRoom(SnapshotState snapshot) throws RefusedException {
    long least = LEAST + EMPTY_CHUNKS * snapshot.chunkSectors() * 512L;
    StorePlaces places = registry.places();
    long free = places.free(snapshot.volume(), snapshot.store());
    if (free < least) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " cannot be kept: that takes a second store, and "
              + places.words(snapshot.volume(), snapshot.store())
              + " has "
              + Sizes.bytes((double) free)
              + " left; free space there, or roll back without --keep");
    }
  }

  private long next(SnapshotState snapshot, long bytes) throws RefusedException {
    String wrong = cannotGrow(snapshot, bytes);
    if (wrong != null) {
      throw new RefusedException(wrong);
    }
    long room = free(snapshot) / PAGE * PAGE;
    long next = Math.min(limit(snapshot), bytes + Math.min(config.get().step(), room));
    if (next <= bytes) { // the configuration changed in between
      throw new RefusedException("it has reached its limit");
    }
    return next;
  }

  private long limit(SnapshotState snapshot) {
    long most = StoreFile.sufficient(snapshot.sectors(), snapshot.chunkSectors());
    return config.get().limit() == 0 ? most : Math.min(most, config.get().limit());
  }

  /** Why a store of so many bytes must stay as it is, or null. */
  private @Nullable String cannotGrow(SnapshotState snapshot, long bytes) throws RefusedException {
    if (!config.get().autoextend()) {
      return "autoextend is off";
    }
    long limit = limit(snapshot);
    if (bytes >= limit) {
      return "it has reached its limit of " + Sizes.bytes((double) limit);
    }
    long free = free(snapshot);
    return free < LEAST
        ? registry.places().words(snapshot.volume(), snapshot.store())
            + " has "
            + Sizes.bytes((double) free)
            + " left"
        : null;
  }

  private long free(SnapshotState snapshot) throws RefusedException {
    return registry.places().free(snapshot.volume(), snapshot.store());
  }

  private void run() {
    try {
      while (!closing.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS)) {
        look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void look() {
    for (SnapshotState snapshot : registry.all()) {
      Use use = use(snapshot);
      if (use != null
          && use.percent() >= config.get().threshold()
          && cannotGrow(snapshot, use) == null) {
        storage.stores().extendBeyond(snapshot.deviceStore(), use.total);
      }
    }
  }

  /** Sectors of a store. */
  private record Use(long allocated, long total) {
    long percent() {
      return 100 * allocated / Math.max(1, total);
    }
  }

  private @Nullable Use use(SnapshotState snapshot) {
    SnapshotStatus status = devices.state(snapshot);
    return status == null || status.state() != SnapshotStatus.State.VALID
        ? null
        : new Use(status.allocatedSectors(), status.totalSectors());
  }

  private @Nullable String cannotGrow(SnapshotState snapshot, Use use) {
    try {
      return cannotGrow(snapshot, use.total * 512);
    } catch (RefusedException e) {
      return e.getMessage();
    }
  }

  /** Stores that cannot grow, and a file system that has little space left for them. */
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    List<SnapshotState> all = registry.all();
    SnapshotState onFiles = all.stream().filter(each -> !each.isShared()).findFirst().orElse(null);
    try {
      if (onFiles != null && free(onFiles) < config.get().warnBelow()) {
        warnings.add(
            new Warning(
                "file system of " + folder,
                "it has less than "
                    + Sizes.bytes((double) config.get().warnBelow())
                    + " left; when it is full, snapshots become invalid",
                "free space there, or remove snapshots"));
      }
    } catch (RefusedException e) {
      warnings.add(
          new Warning(
              "file system of " + folder,
              String.valueOf(e.getMessage()),
              "see whether the folder can be read"));
    }
    for (SnapshotState snapshot : all) {
      Use use = use(snapshot);
      if (use == null || use.percent() < config.get().threshold()) {
        continue;
      }
      String wrong = cannotGrow(snapshot, use);
      long most = StoreFile.sufficient(snapshot.sectors(), snapshot.chunkSectors());
      if (wrong != null && use.total * 512 < most) {
        warnings.add(
            new Warning(
                "snapshot " + snapshot.device(),
                String.format(
                    Locale.ROOT,
                    "its store is more than %d %% full and cannot grow: %s; when it is full, the"
                        + " snapshot becomes invalid",
                    config.get().threshold(),
                    wrong),
                "change stores.autoextend in the configuration and reload, or remove the"
                    + " snapshot"));
      }
    }
    return warnings;
  }

  public void close() {
    closing.countDown();
  }
}
