// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Merges that have begun: their bound, their pauses, their failures. What changes one is called by
 * its turn in {@code Changes}; {@link #progress} is asked on any thread.
 */
public final class RunningMerges {
  private static final Logger LOG = LoggerFactory.getLogger(RunningMerges.class);

  /** How long a merge is given to move something, before it is taken for a slow one. */
  private static final Duration FIRST_STEP = Duration.ofSeconds(2);

  private final SnapshotRegistry registry;
  private final SnapshotDevices devices;
  private final MergeWatch watch;

  RunningMerges(SnapshotRegistry registry, SnapshotDevices devices, MergeWatch watch) {
    this.registry = registry;
    this.devices = devices;
    this.watch = watch;
  }

  /** Bounds a merge that runs, and remembers the bound. */
  SnapshotState throttled(SnapshotState snapshot, @Nullable Long bytesPerSecond)
      throws RefusedException {
    if (bytesPerSecond == null) {
      return snapshot;
    }
    merge(snapshot).throttle(bytesPerSecond);
    SnapshotState bounded = snapshot.withThrottle(bytesPerSecond);
    registry.put(bounded);
    return bounded;
  }

  /** See {@link Snapshots#pause}. */
  void pause(SnapshotState snapshot, boolean paused) throws RefusedException {
    if (snapshot.phase() != Phase.MERGING) {
      throw new RefusedException(
          "no rollback to snapshot "
              + snapshot.device()
              + " is under way; snapshot list shows which are");
    }
    MergeHandle merge = merge(snapshot);
    if (paused) {
      merge.pause();
    } else {
      merge.unpause();
    }
    registry.put(snapshot.withPaused(paused));
    if (!paused) {
      goOnAfterFailure(snapshot);
    }
  }

  /** Begins a merge again that stopped at an error; says so when it cannot go on. */
  void goOnAfterFailure(SnapshotState snapshot) throws RefusedException {
    if (status(snapshot).isFailed()) {
      devices.refuseForeignTable(snapshot.volume());
      devices.reactivate(snapshot.volume());
      watch.add(snapshot.volume(), snapshot.device());
    }
    awaitFirstStep(snapshot);
  }

  /**
   * Waits until a merge that has just begun has moved something, has ended, or cannot.
   *
   * @throws RefusedException when it cannot
   */
  void awaitFirstStep(SnapshotState snapshot) throws RefusedException {
    MergeHandle merge = devices.merge(snapshot.volume());
    if (merge == null) {
      return; // it has ended
    }
    long before = merge.progress().mergedBytes();
    CompletableFuture<@Nullable Void> moved = new CompletableFuture<>();
    Registration progress =
        merge.onProgress(() -> {
          if (hasMoved(merge.progress(), before)) {
            moved.complete(null);
          }
        });
    try {
      if (!hasMoved(merge.progress(), before)) {
        moved.get(FIRST_STEP.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (TimeoutException e) {
      LOG.debug("snapshot {}: the rollback to it is slow, and has not failed", snapshot.device());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } finally {
      progress.close();
    }
    MergeStatus status = MergeStatus.of(merge);
    if (status.isStuck()) {
      throw new RefusedException(
          "the rollback to "
              + snapshot.device()
              + (status.isFailed()
                  ? " fails, see the server's log; when the reason is gone, resume it"
                  : " cannot go on, since its store is invalid; snapshot remove --force gives it"
                      + " up"));
    }
  }

  private static boolean hasMoved(MergeProgress progress, long before) {
    boolean moves =
        progress.state() == MergeProgress.State.RUNNING
            || progress.state() == MergeProgress.State.STOPPED;
    return !moves || progress.mergedBytes() > before;
  }

  /** The merge of a volume that is being rolled back. */
  private MergeHandle merge(SnapshotState snapshot) throws RefusedException {
    MergeHandle merge = devices.merge(snapshot.volume());
    String unrecorded = watch.unrecorded(snapshot.device());
    if (unrecorded != null) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is rolled back to "
              + snapshot.device()
              + ", but that cannot be recorded, and is tried again each second: "
              + unrecorded);
    }
    if (merge == null) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is to be rolled back, and its live table does not do that: see dm table "
              + snapshot.volume()
              + "; the next start of the server continues the rollback");
    }
    return merge;
  }

  private MergeStatus status(SnapshotState snapshot) throws RefusedException {
    return MergeStatus.of(merge(snapshot));
  }

  /** See {@link Snapshots#progress}. */
  @Nullable MergeStatus progress(String device) {
    SnapshotState snapshot = registry.state().snapshot(device);
    if (snapshot == null || snapshot.phase() != Phase.MERGING) {
      return null;
    }
    MergeHandle merge = devices.merge(snapshot.volume());
    return merge == null ? null : MergeStatus.of(merge); // its table is being made, or it ended
  }

  /**
   * Refuses to give up a merge that can go on.
   *
   * @param force the volume may stay as it is, partly rolled back
   */
  void refuseToGiveUp(SnapshotState snapshot, boolean force) throws RefusedException {
    MergeStatus status = status(snapshot);
    if (status.isFailed() || !status.isStuck()) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " is being rolled back to, which cannot be undone"
              + (status.isFailed() ? ". The rollback stopped; snapshot resume tries again" : ""));
    }
    if (!force) {
      throw new RefusedException(
          "the rollback to "
              + snapshot.device()
              + " cannot go on, since its store is invalid; --force gives it up, and leaves the"
              + " volume as it is, partly rolled back");
    }
  }
}
