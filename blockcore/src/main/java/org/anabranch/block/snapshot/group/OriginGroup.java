// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
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
    write(io, except, counters, copied, 0, true);
  }

  /**
   * Continues a write whose first {@code done} sectors may change as far as the snapshots {@code
   * of} are concerned.
   *
   * @param fresh whether the next sectors have not waited for a copy yet, and may wait for a slot
   */
  @SuppressWarnings("ReferenceEquality") // another array tells that the members have changed
  private void write(
      Io io,
      @Nullable CowTarget except,
      Counters<OriginCounter> counters,
      CowTarget[] of,
      long done,
      boolean fresh) {
    if (copied.length > 0) {
      lock.enter();
      try {
        CowTarget[] now = copied;
        long from = now == of ? done : 0; // another snapshot may need what the others have
        long sectors = Math.min(io.sectors() - from, COPY_OUT_SECTORS);
        Gate gate = copyOut(io.sector() + from, sectors, !fresh || slots.free(), except);
        if (gate == REFUSED) {
          lock.complete(io, refusal());
          return;
        }
        if (gate == NO_SLOT) {
          counters.increment(OriginCounter.SLOT_WAITS);
          slots.await(() -> write(io, except, counters, now, from, true));
          return;
        }
        if (gate != null) {
          counters.increment(OriginCounter.COPY_WAITS);
          gate.await(() -> write(io, except, counters, now, from, false));
          return;
        }
        if (from + sectors < io.sectors()) {
          lock.after(() -> write(io, except, counters, now, from + sectors, true));
          return;
        }
      } finally {
        lock.leave();
      }
    }
    origin.submit(io);
  }

  /**
   * Starts the copies that snapshots lack. With the lock held.
   *
   * @return what to wait for before asking again; null if the sectors may change now. If several
   *     copies start, the gate of the last one
   */
  private @Nullable Gate copyOut(
      long sector, long sectors, boolean mayBegin, @Nullable CowTarget except) {
    Gate last = null;
    for (CowTarget member : copied) {
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
        IoError.Kind.IO, origin.name() + " has an invalid snapshot that a restart would revive");
  }

  /**
   * The same for the chunks that a merge will overwrite: those of the runs from {@code from} up to,
   * but not including, {@code end}. Copies start whatever is in flight.
   */
  @Nullable Gate copyOut(MergeBatch batch, int from, int end, int shift) {
    Gate last = null;
    for (int i = from; i < end; i++) {
      long sectors = (long) batch.length(i) << shift;
      Gate gate = copyOut(batch.oldChunk(i) << shift, sectors, true, null);
      if (gate == REFUSED) {
        return gate;
      }
      last = gate == null ? last : gate;
    }
    return last;
  }
}
