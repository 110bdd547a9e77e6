// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.store.MergeBatch;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a write that hits a chunk being merged? It waits here, and goes to the origin
 * when its chunk is there.
 *
 * <pre>
 *   the write touches        while copies are       while the batch is      when the batch
 *                            made for others        copied and committed    is committed
 *   a chunk of the batch     COW device, tracked    waits                   origin
 *   a chunk not merged yet   COW device, tracked    COW device, tracked     COW device, tracked
 *   any other chunk          origin                 origin                  origin
 * </pre>
 *
 * <p>The batch is closed first, then the writes that were on their way to its chunks on the COW
 * device are waited for, then it is copied: so no write is lost between the two places. The wait is
 * as long as one batch, which {@link MergePace} bounds. Reads never wait: they go to the COW device
 * until the batch is committed, and to the origin from then on, and read the same.
 *
 * <p>What if the merge fails? Writes that wait here fail. When the records could not be taken off
 * the store's list, nobody knows on which side of the merge a chunk of the batch will be found
 * after a restart: so writes to those chunks fail until then, and only those. Otherwise everything
 * goes on as before, on the COW device. A suspend waits for the batch.
 *
 * <p>Guarded by the group's lock.
 */
final class MergeInterlock {
  private final DeferringLock lock;
  private final ArrayDeque<Io> waiting = new ArrayDeque<>();

  /** The batch whose chunks may not be written; null when there is none. */
  private @Nullable MergeBatch batch;

  /** The chunks' fate is unknown: {@link #batch} stays for ever. */
  private boolean unknown;

  MergeInterlock(DeferringLock lock) {
    this.lock = lock;
  }

  /** Lets writes to the batch's chunks wait from now on. */
  void close(MergeBatch next) {
    batch = next;
  }

  /** Whether a write to these chunks must not go on now: then {@link #hold} takes it. */
  boolean holds(long firstChunk, long lastChunk) {
    return batch != null && batch.touches(firstChunk, lastChunk);
  }

  /** Lets a write wait, or fail where waiting would have no end. */
  void hold(Io io) {
    if (unknown) {
      lock.complete(io, error());
    } else {
      waiting.add(io);
    }
  }

  /** The batch has been merged: those who waited are routed afresh. */
  void open(Consumer<Io> route) {
    batch = null;
    for (Io io; (io = waiting.poll()) != null; ) {
      Io next = io;
      lock.after(() -> route.accept(next));
    }
  }

  /** The merge failed: those who waited fail; {@code unknown}: also those that will come. */
  void fail(boolean fateUnknown) {
    unknown = fateUnknown;
    if (!fateUnknown) {
      batch = null;
    }
    for (Io io; (io = waiting.poll()) != null; ) {
      lock.complete(io, error());
    }
  }

  /** How many writes wait. */
  int waiting() {
    return waiting.size();
  }

  private static IoError error() {
    return IoError.of(IoError.Kind.IO, "the merge of this chunk failed");
  }
}
