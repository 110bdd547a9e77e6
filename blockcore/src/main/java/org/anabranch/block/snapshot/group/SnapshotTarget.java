// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType.Context;
import org.anabranch.block.snapshot.ChangedChunks;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.SnapshotHandle;
import org.anabranch.block.snapshot.SnapshotSpec;
import org.jspecify.annotations.Nullable;

/**
 * {@code snapshot} - an origin as it was, and what was written here since.
 *
 * <pre>
 * start length snapshot origin cow P|PO|N chunk [count discard_zeroes_cow discard_passdown_origin]
 * </pre>
 *
 * <p><b>Arguments.</b> {@code origin}: the device that is preserved, at the sectors of the row's
 * own numbers; it must be written through {@link OriginTarget} from now on. {@code cow}: the device
 * that keeps what differs, a store of its own. {@code P}: exceptions survive a restart. {@code PO}:
 * likewise, and a full store keeps what it has for reading. {@code N}: exceptions are in memory
 * only. {@code chunk}: what is copied at once, in sectors, a power of two of at most 32 MiB; 0 is
 * the default of 32. An existing store's own chunk size wins.
 *
 * <p><b>Status.</b> {@code allocated/total metadata} in sectors of the COW device, or {@code
 * Invalid}, or {@code Overflow}. An event is raised when that changes to a word, and whenever
 * another twentieth of the store is in use.
 *
 * <p><b>Messages.</b> {@code changed FROM N}: which chunks, from {@code FROM} on, differ from the
 * origin or may do so ({@link ChangedChunks}); at most {@code N} runs are told.
 *
 * <p><b>What happens to a chunk?</b>
 *
 * <pre>
 *   the chunk has     read      write here                      write to the origin
 *   no exception      origin    gets one, then COW device       gets one, then origin
 *   a pending one     origin    waits for it, then COW device   waits for it, then origin
 *   an exception      COW       COW device                      origin
 * </pre>
 *
 * A write here that covers a chunk needs no copy of it. {@link PendingException} has the details.
 *
 * <p><b>What is durable when?</b> A completed write's exception is on the store's list, durably.
 * Its data is durable with FUA or after a flush, which goes to the COW device.
 *
 * <p><b>Discards</b> are supported with {@code discard_zeroes_cow}: what has an exception becomes
 * zeros, what has none stays. With {@code discard_passdown_origin} the origin's chunks are
 * discarded where this snapshot has no exception, after other snapshots have copied them: this one
 * then reads there as the origin does. The limits say so: a discarded range need not read as zeros.
 *
 * <p><b>The allocation</b> is that of the COW device where a chunk has an exception, and that of
 * the origin elsewhere. So holes are told truthfully, and read as zeros where both devices' do.
 *
 * <p><b>Failure modes.</b>
 *
 * <pre>
 *   store full, P or N, or PO and an origin write needs room   Invalid
 *   store full, PO, a write here needs room                    Overflow: writes fail, reads go on
 *   a copy fails, or metadata can't be written                 Invalid
 *   data can't be read or written                              that request fails
 * </pre>
 *
 * A full store on a device that is {@link org.anabranch.block.Extendable} is extended first, and
 * what needs the room waits for that: full is one that can't be.
 *
 * <p>Invalid is for ever, and is marked in the store before an origin write that had no copy goes
 * on; or, when the store can't be written any more, with {@link InvalidStores}. Every request to an
 * invalid snapshot fails; the origin never does because of a snapshot, unless a restart would find
 * it valid.
 *
 * <p><b>Refuses</b> what {@link CowArguments} can't read, devices that don't fit, and a store that
 * {@link org.anabranch.block.store.StoreScan} finds fault with; then nothing was written to it.
 */
final class SnapshotTarget extends CowTarget implements SnapshotHandle {
  private final SnapshotReads reads;
  private final SnapshotWrites writes;

  SnapshotTarget(
      OriginGroup group,
      BlockDevice cow,
      CowArguments arguments,
      Context context,
      Runnable whenClosed) {
    super(group, cow, arguments, context, whenClosed);
    this.reads = new SnapshotReads(group, true);
    this.writes = new SnapshotWrites(this);
  }

  @Override
  boolean merges() {
    return false;
  }

  @Override
  void mapHere(Io io) {
    switch (io.op()) {
      case READ, BLOCK_STATUS -> read(io);
      case WRITE, WRITE_ZEROES -> writes.write(io);
      case DISCARD -> discard(io);
      case FLUSH -> cow.submit(io);
    }
  }

  private void read(Io io) {
    BlockDevice next;
    lock.enter();
    try {
      Snapshot snapshot = valid(io);
      next = snapshot == null ? null : reads.route(snapshot, io);
    } finally {
      lock.leave();
    }
    if (next != null) {
      next.submit(io);
    }
  }

  private void discard(Io io) {
    if (arguments.discardZeroesCow()) {
      writes.discard(io, arguments.discardPassdownOrigin());
    } else {
      io.complete(
          IoError.of(
              IoError.Kind.NOT_SUPPORTED, "a snapshot without discard_zeroes_cow can't discard"));
    }
  }

  /** The snapshot if it may be read; else null, and {@code io} fails. With the lock held. */
  private @Nullable Snapshot valid(Io io) {
    Snapshot snapshot = snapshot();
    if (snapshot == null) {
      lock.complete(io, invalidError());
    } else if (!snapshot.valid) {
      snapshot.fail(io);
    } else {
      return snapshot;
    }
    return null;
  }

  /** The snapshot if it may be written; else null, and {@code io} fails. With the lock held. */
  @Nullable Snapshot writable(Io io) {
    Snapshot snapshot = valid(io);
    if (snapshot != null && snapshot.overflowed) {
      lock.complete(io, snapshot.full());
      return null;
    }
    return snapshot;
  }

  @Override
  public TargetSpec spec() {
    return new SnapshotSpec(found());
  }

  @Override
  public Limits limits() {
    Limits of = cow.limits();
    Limits origins = origin.limits();
    return new Limits(
        Math.max(of.logicalBlockSize(), origins.logicalBlockSize()),
        Math.max(of.physicalBlockSize(), origins.physicalBlockSize()),
        of.readOnly(),
        arguments.discardZeroesCow(),
        false,
        arguments.discardZeroesCow() ? chunkSectors() : 1,
        of.holesReadZero() && origins.holesReadZero());
  }
}
