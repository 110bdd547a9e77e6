// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import org.anabranch.block.DeferringLock;
import org.jspecify.annotations.Nullable;

/**
 * Memory for copies: direct buffers cut from slabs, which are allocated on demand and kept, up to a
 * limit. Callers that find no free buffer wait in a queue.
 */
final class BufferPool {
  /** Bytes of the largest buffer of any pool. */
  static final int MAX = 1 << 20;

  private static final int MAX_SLAB = 4 << 20;
  private static final int PAGE = 4096;

  /** A buffer in use, to be returned once. */
  record Lease(ByteBuffer data, Slab slab, int page, int pages) {}

  private static final class Slab {
    final ByteBuffer memory;
    final BitSet taken;

    Slab(int bytes) {
      memory = ByteBuffer.allocateDirect(bytes);
      taken = new BitSet(bytes / PAGE);
    }
  }

  private record Waiting(int bytes, Consumer<Lease> then) {}

  private final DeferringLock lock = new DeferringLock(); // no other lock is taken while it is held
  private final int slabBytes;
  private final int mostSlabs;
  private final List<Slab> slabs = new ArrayList<>(); // guarded by lock
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>(); // guarded by lock

  /** A pool of at most {@code bytes} bytes, but at least one page. */
  BufferPool(long bytes) {
    slabBytes = Math.clamp(bytes / PAGE * PAGE, PAGE, MAX_SLAB);
    mostSlabs = (int) Math.max(1, bytes / slabBytes);
  }

  /** Bytes of the largest buffer of this pool. */
  int largest() {
    return Math.min(MAX, slabBytes);
  }

  /** Passes a buffer of {@code bytes} bytes to {@code then}, now or when one becomes free. */
  void acquire(int bytes, Consumer<Lease> then) {
    if (bytes < 1 || bytes > largest()) {
      throw new IllegalArgumentException("buffer of " + bytes + " bytes");
    }
    lock.run(() -> {
      waiting.add(new Waiting(bytes, then));
      serve();
    });
  }

  void release(Lease lease) {
    lock.run(() -> {
      lease.slab.taken.clear(lease.page, lease.page + lease.pages);
      serve();
    });
  }

  private void serve() {
    for (Waiting first; (first = waiting.peek()) != null; ) {
      Lease lease = take(first.bytes);
      if (lease == null) {
        return;
      }
      waiting.remove();
      Consumer<Lease> then = first.then;
      lock.after(() -> then.accept(lease));
    }
  }

  private @Nullable Lease take(int bytes) {
    int pages = (bytes + PAGE - 1) / PAGE;
    for (Slab slab : slabs) {
      Lease lease = take(slab, bytes, pages);
      if (lease != null) {
        return lease;
      }
    }
    if (slabs.size() == mostSlabs) {
      return null;
    }
    Slab slab = new Slab(slabBytes);
    slabs.add(slab);
    return take(slab, bytes, pages);
  }

  private static @Nullable Lease take(Slab slab, int bytes, int pages) {
    for (int page = slab.taken.nextClearBit(0); page + pages <= slab.memory.capacity() / PAGE; ) {
      int end = slab.taken.nextSetBit(page);
      if (end < 0 || end - page >= pages) {
        slab.taken.set(page, page + pages);
        return new Lease(slab.memory.slice(page * PAGE, bytes), slab, page, pages);
      }
      page = slab.taken.nextClearBit(end);
    }
    return null;
  }
}
