// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.OriginCounter;
import org.anabranch.block.store.MergeBatch;
import org.jspecify.annotations.Nullable;

/**
 * An origin, its snapshots and its merge: everything that must agree about the origin's chunks.
 *
 * <p>One lock, {@link #lock}, guards the whole group: the list of members, each member's flags and
 * {@link Snapshot} with its store, table, pending exceptions and tracked requests, the merge with
 * its interlock and queue, and the copy slots. It is held for lookups and decisions only. Requests
 * are submitted and completed after it is released ({@link DeferringLock}), so no lock of another
 * device is ever taken under it. Lock order: the registry lock of {@link Origins}, then a group's
 * lock, then that of the buffer pool. Two groups' locks are never held together.
 */
final class OriginGroup {
  /** The largest part of a write that is copied at once; the rest follows afterwards. */
  static final long COPY_OUT_SECTORS = 4 << 20 >> 9;

  final BlockDevice origin;
  final Copier copier;
  final Foreground foreground;
  final DeferringLock lock = new DeferringLock();
  final Bounds bounds;
  final InvalidStores invalidStores;
  final CopySlots slots; // guarded by lock

  /** The result "a copy must be started, and may not be"; nobody waits for this gate. */
  static final Gate NO_SLOT = new Gate(new DeferringLock());

  /** The result "the origin must not change at all"; nobody waits for this gate. */
  static final Gate REFUSED = new Gate(new DeferringLock());

  /** Snapshots and merges, from construction to close. Guarded by lock. */
  final List<CowTarget> members = new ArrayList<>();

  /** Snapshots being closed while copies for them are in flight. Guarded by lock. */
  private final List<CowTarget> leaving = new ArrayList<>();

  /**
   * The {@link #members} that need copies before the origin changes, and those that are leaving.
   * The array itself never changes.
   */
  private volatile CowTarget[] copied = new CowTarget[0]; // written with the lock held

  /** Those of {@link #copied} that follow the merge: see {@link MergedOrigin}. Never changed. */
  private volatile CowTarget[] following = new CowTarget[0]; // written with the lock held

  OriginGroup(
      BlockDevice origin,
      Copier copier,
      Foreground foreground,
      Bounds bounds,
      InvalidStores invalidStores) {
    this.origin = origin;
    this.copier = copier;
    this.foreground = foreground;
    this.bounds = bounds;
    this.invalidStores = invalidStores;
    this.slots = new CopySlots(lock, bounds.copies());
  }

  /** Called after a change of a member's role. With the lock held. */
  void rolesChanged() {
    copied =
        Stream.concat(members.stream(), leaving.stream())
            .filter(CowTarget::needsCopies)
            .toArray(CowTarget[]::new);
    following = Stream.of(copied).filter(CowTarget::followsMerge).toArray(CowTarget[]::new);
  }

  /** The merge, once it has its store and as long as that is valid. With the lock held. */
  @Nullable MergeTarget merging() {
    for (CowTarget member : members) {
      Snapshot merged = member.snapshot();
      if (member instanceof MergeTarget merge
          && member.active()
          && merged != null
          && merged.valid) {
        return merge;
      }
    }
    return null;
  }

  /**
   * Where a snapshot reads chunks that it has no exceptions for; null if it follows a merge that is
   * not there. With the lock held.
   */
  @Nullable BlockDevice source(Snapshot snapshot) {
    if (!snapshot.followsMerge) {
      return origin;
    }
    MergeTarget merge = merging();
    return merge == null ? null : merge.merged;
  }

  /** A merge has got its store: those loaded to follow it do from now on. With the lock held. */
  void follow() {
    members.stream()
        .filter(member -> member.followsMerge() && !member.active())
        .forEach(CowTarget::activate);
    rolesChanged();
  }

  /** The merge has nothing left, so the origin is what it reads as. With the lock held. */
  void mergeOver() {
    for (CowTarget member : members) {
      Snapshot snapshot = member.snapshot();
      if (snapshot != null && member.active()) {
        snapshot.followsMerge = false;
      }
    }
    rolesChanged();
  }

  /** What was not merged is lost, and with it what those that follow have. With the lock held. */
  void mergeLost() {
    for (CowTarget member : List.copyOf(members)) {
      Snapshot snapshot = member.snapshot();
      if (snapshot != null && snapshot.followsMerge) {
        snapshot.invalidate(Invalidation.MERGE_LOST);
      }
    }
  }

  /** Chunks being copied for a snapshot that has left must not change in the meantime. */
  void leaves(CowTarget member) {
    leaving.add(member);
    rolesChanged();
  }

  void left(CowTarget member) {
    leaving.remove(member);
    rolesChanged();
  }

  /** Whether no snapshot needs copies of overwritten data. Any thread, without the lock. */
  boolean hasNoSnapshots() {
    return copied.length == 0;
  }

  /** The number of snapshots that need copies. Any thread, without the lock. */
  int snapshots() {
    return copied.length;
  }

  /**
   * Takes a write, discard or write of zeros to the origin and passes it on when every snapshot has
   * its copies. Any thread, without the lock.
   *
   * @param except a snapshot that needs no copy, or null
   * @param counters those of the device that got the write
   */
  void write(Io io, @Nullable CowTarget except, Counters<OriginCounter> counters) {
    write(io, new Passage(false, except, counters, origin::submit), copied, 0, true);
  }

  /**
   * Whether a write to the origin would wait for copies if it came now. Any thread, without the
   * lock.
   */
  boolean delaysWrite(long sector, long sectors) {
    if (copied.length == 0) {
      return false;
    }
    lock.enter();
    try {
      return !refusesWrites() && isCopiedFirst(copied, sector, sectors);
    } finally {
      lock.leave();
    }
  }

  /** Whether the origin takes writes. Any thread, without the lock. */
  boolean takesWrites() {
    if (copied.length == 0) {
      return true;
    }
    lock.enter();
    try {
      return !refusesWrites();
    } finally {
      lock.leave();
    }
  }

  /** Whether a write to the origin fails, see {@link #REFUSED}. With the lock held. */
  boolean refusesWrites() {
    for (CowTarget member : copied) {
      Snapshot snapshot = member.snapshot();
      if (snapshot != null && snapshot.refusesChanges()) {
        return true;
      }
    }
    return false;
  }

  /** Whether one of these has no copy yet of sectors that are to change. With the lock held. */
  private static boolean isCopiedFirst(CowTarget[] of, long sector, long sectors) {
    for (CowTarget member : of) {
      Snapshot snapshot = member.snapshot();
      if (snapshot != null && snapshot.lacksCopy(sector, sectors)) {
        return true;
      }
    }
    return false;
  }

  /** The same for sectors of a merge that are written on the origin. With the lock held. */
  boolean isCopiedFirst(long sector, long sectors) {
    return isCopiedFirst(copied, sector, sectors);
  }

  /** The same for any sectors of a merge. With the lock held. */
  boolean isCopiedForFollowers(long sector, long sectors) {
    return isCopiedFirst(following, sector, sectors);
  }

  /**
   * The same for a write to a merge, and only for the snapshots that follow it. What it changes is
   * not decided yet.
   *
   * @param then takes the write when they have their copies
   */
  void writeMerged(Io io, Counters<OriginCounter> counters, Consumer<Io> then) {
    if (following.length == 0) {
      then.accept(io);
    } else {
      write(io, new Passage(true, null, counters, then), following, 0, true);
    }
  }

  /**
   * A write's way through the snapshots.
   *
   * @param merged only through those that follow the merge
   * @param except a snapshot that needs no copy, or null
   * @param counters those of the device that got the write
   * @param then takes the write at the end
   */
  private record Passage(
      boolean merged,
      @Nullable CowTarget except,
      Counters<OriginCounter> counters,
      Consumer<Io> then) {}

  private CowTarget[] through(Passage passage) {
    return passage.merged ? following : copied;
  }

  /**
   * Continues a write whose first {@code done} sectors may change as far as the snapshots {@code
   * of} are concerned.
   *
   * @param fresh whether the next sectors have not waited for a copy yet, and may wait for a slot
   */
  @SuppressWarnings("ReferenceEquality") // another array tells that the members have changed
  private void write(Io io, Passage passage, CowTarget[] of, long done, boolean fresh) {
    if (through(passage).length > 0) {
      Counters<OriginCounter> counters = passage.counters;
      lock.enter();
      try {
        CowTarget[] now = through(passage);
        long from = now == of ? done : 0; // another snapshot may need what the others have
        long sectors = Math.min(io.sectors() - from, COPY_OUT_SECTORS);
        boolean mayBegin = !fresh || slots.free();
        Gate gate = copyOut(now, io.sector() + from, sectors, mayBegin, passage.except);
        if (gate == REFUSED) {
          lock.complete(io, refusal());
          return;
        }
        if (gate == NO_SLOT) {
          counters.increment(OriginCounter.SLOT_WAITS);
          slots.await(() -> write(io, passage, now, from, true));
          return;
        }
        if (gate != null) {
          counters.increment(OriginCounter.COPY_WAITS);
          gate.await(() -> write(io, passage, now, from, false));
          return;
        }
        if (from + sectors < io.sectors()) {
          lock.after(() -> write(io, passage, now, from + sectors, true));
          return;
        }
      } finally {
        lock.leave();
      }
    }
    passage.then.accept(io);
  }

  /**
   * Starts the copies that snapshots lack. With the lock held.
   *
   * @return what to wait for before asking again; null if the sectors may change now. If several
   *     copies start, the gate of the last one
   */
  private @Nullable Gate copyOut(
      CowTarget[] of, long sector, long sectors, boolean mayBegin, @Nullable CowTarget except) {
    Gate last = null;
    for (CowTarget member : of) {
      Snapshot snapshot = member.snapshot();
      if (member.equals(except) || snapshot == null) {
        continue;
      }
      Gate gate = snapshot.copyOut(sector, sectors, mayBegin);
      if (gate == NO_SLOT || gate == REFUSED) {
        return gate;
      }
      last = gate == null ? last : gate;
    }
    return last;
  }

  /** The error for what {@link #REFUSED} says. */
  IoError refusal() {
    return IoError.of(
        IoError.Kind.IO,
        origin.name()
            + " has an invalid snapshot that a restart would revive, or one that follows a merge"
            + " that is not active");
  }

  /**
   * The same for the chunks that a merge will overwrite: those of the runs from {@code from} up to,
   * but not including, {@code end}. Copies start whatever is in flight. To a snapshot that follows
   * the merge nothing changes.
   */
  @Nullable Gate copyOut(MergeBatch batch, int from, int end, int shift) {
    CowTarget[] others =
        following.length == 0
            ? copied
            : Stream.of(copied).filter(member -> !member.followsMerge()).toArray(CowTarget[]::new);
    Gate last = null;
    for (int i = from; i < end; i++) {
      long sectors = (long) batch.length(i) << shift;
      Gate gate = copyOut(others, batch.oldChunk(i) << shift, sectors, true, null);
      if (gate == REFUSED) {
        return gate;
      }
      last = gate == null ? last : gate;
    }
    return last;
  }
}
