// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.uses.User;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Merges that begin at the next login of the initiator that uses the volume, for a host that
 * reboots without logging out.
 *
 * <pre>
 *   what happens                                    such a merge
 *   login of that initiator, reinstatement, too     begins, before the login is answered
 *   the same, and somebody else uses the volume     waits as others do
 *   that initiator logs out                         begins as others do, when nobody uses the volume
 *   its session is dropped by the administrator     waits as others do: it logs in again by itself
 *   the server stops or crashes                     the same
 *   the time limit                                  waits as others do
 *   it cannot begin                                 is over, as that of others
 * </pre>
 *
 * Any thread; what comes by way of {@link Uses.Listener} does not block.
 */
public final class MergesAtLogin implements Uses.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(MergesAtLogin.class);

  /** Begins a merge under the user whose login waits. */
  interface Begin {
    void begin(SnapshotState snapshot) throws RefusedException;
  }

  private final SnapshotRegistry registry;
  private final Changes changes;
  private final Uses uses;
  private final MergeWatch watch;
  private final MergeHooks hooks;
  private final Begin begin;
  private final NextLogins awaited = new NextLogins();
  private final Set<String> restarted = ConcurrentHashMap.newKeySet();

  MergesAtLogin(
      SnapshotRegistry registry,
      Changes changes,
      Uses uses,
      MergeWatch watch,
      MergeHooks hooks,
      Begin begin) {
    this.registry = registry;
    this.changes = changes;
    this.uses = uses;
    this.watch = watch;
    this.hooks = hooks;
    this.begin = begin;
  }

  /** Says which ones a restart has turned into merges that wait. */
  void open() throws RefusedException {
    for (String snapshot : uses.onNextLogin()) {
      SnapshotState state = registry.state().snapshot(snapshot);
      if (state != null && state.phase() == Phase.WAITING) {
        restarted.add(snapshot);
        LOG.warn(
            "snapshot {}: the rollback was to begin at the next login; since the server was restarted"
                + " before that, it waits until nobody uses the volume",
            snapshot);
      }
      uses.onNextLogin(snapshot, false);
    }
  }

  /** Refuses where it is not clear whose login it would be. */
  void refuseIfImpossible(SnapshotState snapshot) throws RefusedException {
    Set<String> initiators = new TreeSet<>();
    for (User user : uses.of(MergeOrder.devices(snapshot))) {
      if (user.isUnknown()) {
        throw new RefusedException(
            "snapshot "
                + snapshot.device()
                + ": initiators that are not recorded may use the volume; snapshot merge"
                + " --assume-gone "
                + User.UNKNOWN
                + " says that they are gone");
      }
      initiators.add(user.initiator());
    }
    if (initiators.size() > 1) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + ": more than one initiator uses the volume, and the rollback would begin under the"
              + " others: "
              + String.join(", ", initiators));
    }
  }

  /** Waits for the login of the only initiator that uses the volume. By its turn. */
  void add(SnapshotState snapshot, Duration timeLimit) throws RefusedException {
    List<User> users = uses.of(MergeOrder.devices(snapshot));
    if (users.isEmpty()) {
      return; // it has just logged out: the merge begins as others do
    }
    uses.onNextLogin(snapshot.device(), true);
    awaited.add(
        snapshot.device(),
        MergeOrder.devices(snapshot),
        users.getFirst().initiator(),
        Instant.now().plus(timeLimit));
    NextLogins.Awaited mine = awaited.of(snapshot.device());
    watch.execute(
        () -> {
          if (mine != null && mine.equals(awaited.of(snapshot.device()))) {
            giveUp(snapshot.device(), "nobody logged in within the time limit");
          }
        },
        timeLimit);
  }

  /** It waits as others do from now on. */
  private void giveUp(String snapshot, String reason) {
    if (awaited.remove(snapshot)) {
      LOG.warn(
          "snapshot {}: the rollback does not begin at the next login, but waits until nobody uses the"
              + " volume: {}",
          snapshot,
          reason);
      watch.execute(() -> forget(snapshot));
    }
  }

  /** It is taken back, or it has begun. Not on an event loop. */
  void forget(String snapshot) {
    restarted.remove(snapshot);
    awaited.remove(snapshot);
    try {
      uses.onNextLogin(snapshot, false);
    } catch (RefusedException e) {
      LOG.debug("a restart will only say once more that the merge waits", e);
    }
  }

  /** {@code devices}: whose users it waits for. */
  MergeWait waits(SnapshotState snapshot, Set<String> devices) {
    NextLogins.Awaited mine = awaited.of(snapshot.device());
    return new MergeWait(
        uses.of(devices),
        mine == null ? null : mine.until(),
        restarted.contains(snapshot.device()));
  }

  // --- what Uses tells ----------------------------------------------------------------------

  @Override
  public void ended() {
    watch.wake();
  }

  @Override
  public void dropped(String initiator, Set<String> devices) {
    NextLogins.Awaited mine = awaited.find(initiator, devices);
    if (mine != null) {
      giveUp(mine.snapshot(), "the session of " + initiator + " was ended by the server");
    }
  }

  @Override
  public CompletionStage<@Nullable Void> loggingIn(String initiator, Set<String> devices) {
    return awaited.login(initiator, devices, mine -> watch.execute(() -> begin(mine)));
  }

  private void begin(NextLogins.Awaited mine) {
    boolean later = false;
    try {
      if (!changes.lockUnlessOver()) {
        return;
      }
      try {
        SnapshotState snapshot = registry.state().snapshot(mine.snapshot());
        if (snapshot == null
            || snapshot.phase() != Phase.WAITING
            || !mine.equals(awaited.of(mine.snapshot()))) {
          return;
        }
        later = !hooks.ready(List.of(snapshot), () -> begin(mine));
        if (later) {
          return; // the login waits for the hook
        }
        if (!uses.claim(mine.devices(), mine.initiator())) {
          giveUp(mine.snapshot(), "another initiator uses the volume");
          return;
        }
        try {
          LOG.info("snapshot {}: the rollback begins at a login", mine.snapshot());
          begin.begin(snapshot);
        } catch (RefusedException e) {
          LOG.error(
              "snapshot {}: the volume cannot be rolled back at a login: {}",
              mine.snapshot(),
              e.getMessage());
        } finally {
          uses.release(mine.devices());
        }
      } finally {
        changes.unlock();
      }
    } finally {
      if (!later) {
        forget(mine.snapshot());
      }
    }
  }

  /** Nothing begins at a login any more. */
  void close() {
    // What is left is kept, so that the next start can say what became of it.
    uses.listener(IGNORED);
  }

  private static final Uses.Listener IGNORED =
      new Uses.Listener() {
        @Override
        public void ended() {}

        @Override
        public void dropped(String initiator, Set<String> devices) {}

        @Override
        public CompletionStage<@Nullable Void> loggingIn(String initiator, Set<String> devices) {
          return java.util.concurrent.CompletableFuture.completedFuture(null);
        }
      };
}
