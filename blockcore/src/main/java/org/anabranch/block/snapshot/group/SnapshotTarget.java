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
 * {@code snapshot} - an origin as it was, with what was written to the snapshot since.
 *
 * <pre>
 * start length snapshot origin cow P|PO|N chunk [count discard_zeroes_cow discard_passdown_origin]
 * </pre>
 *
 * <p><b>Arguments.</b> {@code origin}: the device that is preserved; a row maps to the same sectors
 * of it. From now on it must be written through {@link OriginTarget} only. {@code cow}: the device
 * that stores the differences, used for nothing else. {@code P}: exceptions survive a restart.
 * {@code PO}: the same, and a full store stays readable. {@code N}: exceptions are in memory only.
 * {@code chunk}: the unit of copying in sectors, a power of two of at most 32 MiB; 0 means the
 * default of 32. The chunk size of an existing store wins.
 *
 * <p>{@code merged_origin}, which Linux does not have: while the origin is being merged, it is for
 * this snapshot what {@code snapshot-merge} makes it read as, from the start of that merge on. So a
 * volume is rolled back and its restore point kept. Such a snapshot is loaded before the merge
 * takes its store over, and active from that moment on. With the end of the merge it is a snapshot
 * as others are. It cannot be read, and its origin cannot be written, while the merge is not there;
 * it becomes invalid if the merge does.
 *
 * <p><b>Status.</b> {@code allocated/total metadata} in sectors of the COW device, or {@code
 * Invalid}, or {@code Overflow}. An event is raised when the status changes to one of these words,
 * and each time another 5 % of the store is in use.
 *
 * <p><b>Messages.</b> {@code changed FROM N}: lists the chunks from {@code FROM} on that may differ
 * from the origin ({@link ChangedChunks}), in at most {@code N} runs.
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
 * A write that covers a whole chunk of the snapshot needs no copy of it. See {@link
 * PendingException} for details.
 *
 * <p><b>What is durable when?</b> When a write completes, its exception is durably on the store's
 * list. Its data is durable with FUA, or after a flush, which goes to the COW device.
 *
 * <p><b>Discards</b> are supported with {@code discard_zeroes_cow}: chunks that have exceptions
 * become zeros, others stay. With {@code discard_passdown_origin}, the origin's chunks are
 * discarded where this snapshot has no exception, after other snapshots have copied them; this
 * snapshot then reads the origin's new content there. So the limits do not promise that a discarded
 * range reads as zeros.
 *
 * <p><b>Block status</b> is that of the COW device where a chunk has an exception, and that of the
 * origin elsewhere. Holes are reported correctly, and read as zeros if those of both devices do.
 *
 * <p><b>Failure modes.</b>
 *
 * <pre>
 *   store full, P or N, or PO and an origin write needs room   Invalid
 *   store full, PO, a write here needs room                    Overflow: writes fail, reads go on
 *   a copy fails, or metadata cannot be written                Invalid
 *   data cannot be read or written                             that request fails
 * </pre>
 *
 * A store on an {@link org.anabranch.block.Extendable} device is extended when it is full, and
 * requests that need the room wait for that. It counts as full when it cannot be extended.
 *
 * <p>Invalid is final. It is marked in the store, or in {@link InvalidStores} if the store cannot
 * be written any more, before a write to the origin continues without a copy. Every request to an
 * invalid snapshot fails. The origin never fails because of a snapshot, unless a restart would find
 * the snapshot valid.
 *
 * <p><b>Refuses</b> what {@link CowArguments} cannot parse, devices that do not fit, and a store in
 * which {@link org.anabranch.block.store.StoreScan} finds an error; nothing was written to it then.
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

  @Override
  boolean delaysWrite(Snapshot its, long sector, long sectors) {
    return its.delaysWrite(sector, sectors);
  }

  @Override
  public boolean mayRefuse() {
    return true;
  }

  @Override
  boolean hasAccepted(Snapshot its, long sector, long sectors) {
    return its.hasAccepted(sector, sectors);
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

  /** The snapshot if it may be read; otherwise null, and {@code io} fails. With the lock held. */
  @Nullable Snapshot valid(Io io) {
    Snapshot snapshot = snapshot();
    if (snapshot == null) {
      lock.complete(io, invalidError());
    } else if (!snapshot.valid) {
      snapshot.fail(io);
    } else if (group.source(snapshot) == null) {
      lock.complete(
          io, IoError.of(IoError.Kind.IO, "the merge of " + origin.name() + " is not active"));
    } else {
      return snapshot;
    }
    return null;
  }

  /**
   * The snapshot if it may be written; otherwise null, and {@code io} fails. With the lock held.
   */
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
