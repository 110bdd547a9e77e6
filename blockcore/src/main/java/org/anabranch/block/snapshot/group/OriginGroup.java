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
 * <p>One lock, {@link #lock}, guards all of it: the list of members, each member's flags and {@link
 * Snapshot}, with the store, the table, what is pending and tracked, the merge with its interlock
 * and queue, and the copy slots. It is held for lookups and decisions only. Requests are submitted
 * and completed after it was released ({@link DeferringLock}), so no other lock of a device is ever
 * taken under it. Order: {@link Origins}' registry lock first, then a group's lock, then the buffer
 * pool's; two groups' locks are never held together.
 */
final class OriginGroup {
  /** So much is copied at once before the origin changes; what is longer goes on from there. */
  static final long COPY_OUT_SECTORS = 4 << 20 >> 9;

  final BlockDevice origin;
  final Copier copier;
  final Foreground foreground;
  final DeferringLock lock = new DeferringLock();
  final Bounds bounds;
  final InvalidStores invalidStores;
  final CopySlots slots; // guarded by lock

  /** The answer "a copy must begin, and may not"; nobody waits at it. */
  static final Gate NO_SLOT = new Gate(new DeferringLock());

  /** The answer "the origin must not change at all"; nobody waits at it. */
  static final Gate REFUSED = new Gate(new DeferringLock());

  /** Snapshots and merges from their construction to their close. Guarded by lock. */
  final List<CowTarget> members = new ArrayList<>();

  /** Snapshots that are being closed, while copies for them are under way. Guarded by lock. */
  private final List<CowTarget> leaving = new ArrayList<>();

  /**
   * Those among {@link #members} that need copies before the origin changes, and those that leave.
   * Replaced whole.
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

  /** After a change of a member's role. With the lock held. */
  void rolesChanged() {
    copied =
        Stream.concat(members.stream(), leaving.stream())
            .filter(CowTarget::needsCopies)
            .toArray(CowTarget[]::new);
  }

  /** What is being copied for a snapshot that is no member any more must not change meanwhile. */
  void leaves(CowTarget member) {
    leaving.add(member);
    rolesChanged();
  }

  void left(CowTarget member) {
    leaving.remove(member);
    rolesChanged();
  }

  /** Whether no snapshot needs copies of what is overwritten. Any thread, without the lock. */
  boolean hasNoSnapshots() {
    return copied.length == 0;
  }

  /** How many snapshots have copies made for them. Any thread, without the lock. */
  int snapshots() {
    return copied.length;
  }

  /**
   * Takes a write, discard or write of zeros to the origin, and lets it go on when every snapshot
   * has its copy. Any thread, without the lock.
   *
   * @param except a snapshot that wants no copy, or null
   * @param counters of the device through which it comes
   */
  void write(Io io, @Nullable CowTarget except, Counters<OriginCounter> counters) {
    write(io, except, counters, copied, 0, true);
  }

  /**
   * Goes on with a write of which {@code done} sectors may change already, as far as the snapshots
   * {@code of} are concerned.
   *
   * @param fresh whether the next sectors have not waited for a copy, and may have to for a slot
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
        long from = now == of ? done : 0; // another snapshot may want what the others have
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
   * Begins what copies the snapshots lack. With the lock held.
   *
   * @return what must happen first, and then the question be asked again; null if the sectors may
   *     change now. When several copies begin, it is the last one's.
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
   * The same for the chunks that a merge will overwrite, those of the runs from {@code from} to the
   * one in front of {@code end}; copies begin whatever is in flight.
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
