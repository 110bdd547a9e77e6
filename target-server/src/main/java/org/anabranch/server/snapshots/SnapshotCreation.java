// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.device.Stores;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps that take snapshots.
 *
 * <pre>
 *   state: CREATING   store files made, loaded   volumes suspended, snapshot devices resumed,
 *   volumes resumed   state: READY
 * </pre>
 *
 * A crash before the last step, like a refusal, leaves none of them.
 */
final class SnapshotCreation {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotCreation.class);

  private final SnapshotRegistry registry;
  private final Changes changes;
  private final SnapshotPlans plans;
  private final SnapshotDevices devices;
  private final Stores stores;
  private final Hooks hooks;

  SnapshotCreation(
      SnapshotRegistry registry,
      Changes changes,
      SnapshotPlans plans,
      SnapshotDevices devices,
      Stores stores,
      Hooks hooks) {
    this.registry = registry;
    this.changes = changes;
    this.plans = plans;
    this.devices = devices;
    this.stores = stores;
    this.hooks = hooks;
  }

  /**
   * Takes snapshots of several volumes at one instant: a write that one of them has was
   * acknowledged before each write that another one has not. All or none, also when the server
   * crashes meanwhile.
   *
   * @param listener hears of hooks; they run without a turn in {@link Changes}
   */
  List<SnapshotState> create(List<Wanted> wanted, Hooks.Listener listener) throws RefusedException {
    List<Hooks.Subject> subjects =
        wanted.stream().map(each -> new Hooks.Subject(each.volume(), each.device())).toList();
    Set<String> volumes =
        subjects.stream().map(Hooks.Subject::volume).collect(Collectors.toUnmodifiableSet());
    if (!hooks.concerns(Hooks.Operation.CREATE, volumes)) {
      return create(wanted);
    }
    changes.lock();
    try {
      planned(wanted); // what is refused anyway is refused before anything is frozen
    } finally {
      changes.unlock();
    }
    Hooks.Begun begun = hooks.before(Hooks.Operation.CREATE, subjects, listener);
    Hooks.Outcome outcome = Hooks.Outcome.NOT_DONE;
    try {
      List<SnapshotState> taken = create(wanted);
      outcome = Hooks.Outcome.DONE;
      return taken;
    } finally {
      begun.after(outcome);
    }
  }

  /** Why this cannot be taken now; null: it can. Nothing is made. */
  @Nullable String refusal(Wanted wanted) throws RefusedException {
    changes.lock();
    try {
      plans.planned(wanted);
      return null;
    } catch (RefusedException e) {
      return e.getMessage();
    } finally {
      changes.unlock();
    }
  }

  /** The snapshots as they will be; of each volume one. */
  List<SnapshotState> planned(List<Wanted> wanted) throws RefusedException {
    List<SnapshotState> snapshots = new ArrayList<>();
    Set<String> seen = new TreeSet<>();
    for (Wanted each : wanted) {
      if (!seen.add(each.volume())) {
        throw new RefusedException(
            "volume " + each.volume() + " is named twice; one snapshot of each volume at a time");
      }
      snapshots.add(plans.planned(each));
    }
    return snapshots;
  }

  private List<SnapshotState> create(List<Wanted> wanted) throws RefusedException {
    return create(wanted, planned -> planned);
  }

  /**
   * The same without hooks.
   *
   * @param as changes what is recorded of them
   */
  List<SnapshotState> create(List<Wanted> wanted, UnaryOperator<SnapshotState> as)
      throws RefusedException {
    changes.lock();
    try {
      List<SnapshotState> snapshots = planned(wanted).stream().map(as).toList();
      registry.put(snapshots);
      try {
        for (int i = 0; i < wanted.size(); i++) {
          prepare(snapshots.get(i), wanted.get(i).storeBytes());
        }
        registry.steps().taken("store loaded");
        devices.take(snapshots);
        registry.steps().taken("snapshot taken");
        registry.put(snapshots.stream().map(snapshot -> snapshot.in(Phase.READY)).toList());
      } catch (RefusedException | RuntimeException e) {
        snapshots.forEach(snapshot -> undo(snapshot, e));
        throw e;
      }
      snapshots.forEach(snapshot -> {
        LOG.info("snapshot {}: taken", snapshot.device());
        devices.attach(snapshot.device());
      });
      return snapshots.stream().map(snapshot -> snapshot.in(Phase.READY)).toList();
    } finally {
      changes.unlock();
    }
  }

  private void prepare(SnapshotState snapshot, long storeBytes) throws RefusedException {
    long sufficient = StoreFile.sufficient(snapshot.sectors(), snapshot.chunkSectors());
    long bytes = storeBytes == 0 ? sufficient : storeBytes;
    long least = storeBytes == 0 ? Math.min(bytes, StoreFile.LEAST_LONGEST) : storeBytes;
    long made =
        registry.places().make(snapshot.volume(), snapshot.store(), bytes, least, registry.steps());
    if (made < bytes) {
      LOG.warn(
          "snapshot {}: its store has {}, the most that a file can have there; {} would hold every"
              + " change",
          snapshot.device(),
          Sizes.bytes((double) made),
          Sizes.bytes((double) bytes));
    }
    stores.opening(snapshot);
    devices.prepare(snapshot);
  }

  private void undo(SnapshotState snapshot, Exception reason) {
    try {
      registry.forget(snapshot);
    } catch (RefusedException e) {
      reason.addSuppressed(e); // the next start ends it
      LOG.error("snapshot {}: {}", snapshot.device(), e.getMessage());
    }
  }
}
