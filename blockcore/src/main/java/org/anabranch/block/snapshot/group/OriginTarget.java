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
 * {@code snapshot-origin} - a device whose snapshots stay as they are while it is written.
 *
 * <pre>
 * start length snapshot-origin device
 * </pre>
 *
 * <p><b>Arguments.</b> {@code device}: the origin, by the same name that its snapshots have for it.
 * A row is mapped to the sectors of the origin that have its own numbers, as under Linux: one that
 * begins at sector 8 to those from sector 8 on.
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>What happens to a write?</b> Where every snapshot has its own copy, or there is no
 * snapshot, it goes straight on. Else copies begin for all the chunks that it touches, in all
 * snapshots, and it waits; then it is looked at again. So do discards and writes of zeros. Reads
 * and flushes go straight on, always.
 *
 * <p><b>Failure modes.</b> A snapshot whose copy fails becomes invalid, and the write goes on when
 * that is durable: the origin outlives its snapshots. Else a request ends as the origin ends it.
 *
 * <p><b>Refuses</b> another number of arguments, and an origin that is too small.
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
