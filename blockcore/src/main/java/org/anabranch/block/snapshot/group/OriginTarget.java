// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.count.Counters;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType.Context;
import org.anabranch.block.snapshot.OriginCounter;
import org.anabranch.block.snapshot.OriginHandle;
import org.anabranch.block.snapshot.OriginSpec;
import org.jspecify.annotations.Nullable;

/**
 * {@code snapshot-origin} - a device whose snapshots are preserved while it is written.
 *
 * <pre>
 * start length snapshot-origin device
 * </pre>
 *
 * <p><b>Arguments.</b> {@code device}: the origin, with the same name as in its snapshots' tables.
 * A row maps to the same sectors of the origin, as in Linux: one that starts at sector 8 maps to
 * sectors from 8 on.
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>What happens to a write?</b> If every snapshot has its own copy, or there is no snapshot,
 * it goes straight to the origin. Otherwise copies start for all chunks that it touches, in all
 * snapshots, and it waits; then it is checked again. The same applies to discards and writes of
 * zeros. Reads and flushes always go straight to the origin.
 *
 * <p><b>Failure modes.</b> A snapshot whose copy fails becomes invalid, and the write continues
 * when that is durable, so a failing snapshot does not stop its origin. Otherwise a request has the
 * result that the origin gives it.
 *
 * <p><b>Refuses</b> any other number of arguments, and an origin that is too small.
 */
final class OriginTarget implements Target, OriginHandle {
  private final OriginGroup group;
  private final long begin;
  private final Context context;
  private final Counters<OriginCounter> counters;
  private final Runnable closed;

  /** {@code closed} is called once, at the end. */
  OriginTarget(OriginGroup group, Context context, Runnable closed) {
    this.group = group;
    this.begin = context.begin();
    this.context = context;
    this.counters = context.counts().counters(OriginCounter.class);
    this.closed = closed;
  }

  @Override
  public void map(Io io) {
    group.foreground.used();
    if (io.op() != Io.Op.FLUSH) {
      io.remap(begin + io.sector());
    }
    if (io.modifies() && !group.hasNoSnapshots()) {
      group.write(io, null, counters);
    } else {
      group.origin.submit(io);
    }
  }

  @Override
  public boolean delaysWrite(long sector, long sectors) {
    return group.delaysWrite(begin + sector, sectors);
  }

  @Override
  public boolean hasAccepted(long sector, long sectors) {
    return group.takesWrites();
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    closed.run();
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public Limits limits() {
    return group.origin.limits();
  }

  @Override
  public int snapshots() {
    return group.snapshots();
  }

  @Override
  public TargetSpec spec() {
    return new OriginSpec(context.reference(group.origin));
  }
}
