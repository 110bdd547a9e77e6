// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Memory for commands that read blocks for themselves: VERIFY, COMPARE AND WRITE, ORWRITE, EXTENDED
 * COPY. A few buffers, made when first needed; whoever finds none free waits in a queue, bounded by
 * the task set. Take it last, after range locks, and wait for no range lock with it: its holders
 * wait for nothing but Ios, so that each of those who wait gets one.
 */
public final class ScratchMemory {
  /** Bytes in a buffer, a multiple of every block size. */
  public static final int SIZE = 256 << 10;

  private static final int MAX_BUFFERS = 4;

  private final Object lock = new Object();
  private final Executor executor;

  @GuardedBy("lock")
  private final Deque<ByteBuffer> free = new ArrayDeque<>();

  @GuardedBy("lock")
  private final Deque<Consumer<ByteBuffer>> waiters = new ArrayDeque<>();

  @GuardedBy("lock")
  private int made;

  /**
   * @param executor runs those who had to wait
   */
  ScratchMemory(Executor executor) {
    this.executor = executor;
  }

  /** Calls {@code user} with a direct buffer, position 0, limit {@link #SIZE}: here or later. */
  public void borrow(Consumer<ByteBuffer> user) {
    ByteBuffer buffer;
    synchronized (lock) {
      buffer = take();
      if (buffer == null) {
        waiters.add(user);
        return;
      }
    }
    user.accept(buffer);
  }

  @GuardedBy("lock")
  private @Nullable ByteBuffer take() {
    if (free.isEmpty() && made < MAX_BUFFERS) {
      made++;
      return ByteBuffer.allocateDirect(SIZE);
    }
    return free.poll();
  }

  public void giveBack(ByteBuffer buffer) {
    buffer.clear();
    Consumer<ByteBuffer> next;
    synchronized (lock) {
      next = waiters.poll();
      if (next == null) {
        free.push(buffer);
        return;
      }
    }
    executor.execute(() -> next.accept(buffer));
  }
}
