// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Detects a peer that begins a PDU and does not send the rest of it: within each timeout the PDU
 * must be complete, or {@value #SLOWEST} bytes of it must come. No timer runs between PDUs. Owned
 * by the connection's event loop.
 */
final class ReceiveTimeout {
  /** The least that comes of an incomplete PDU within the timeout. */
  static final int SLOWEST = 8192;

  /**
   * How far an incomplete PDU is.
   *
   * @param number of PDUs that came before it
   * @param bytes that have come, before it and of it
   * @param pauses how often the connection was paused, for which the peer is not to blame
   */
  record Progress(long number, long bytes, int pauses) {}

  private final EventLoop loop;
  private final long timeoutNanos;
  private final Supplier<@Nullable Progress> progress;
  private final Runnable tooSlow;
  private @Nullable Progress before;
  private @Nullable ScheduledFuture<?> timer;

  /**
   * Watches nothing yet.
   *
   * @param progress returns null when no PDU is incomplete
   * @param tooSlow runs on the loop when a PDU comes too slowly
   */
  ReceiveTimeout(
      EventLoop loop, Duration timeout, Supplier<@Nullable Progress> progress, Runnable tooSlow) {
    this.loop = loop;
    this.timeoutNanos = timeout.toNanos();
    this.progress = progress;
    this.tooSlow = tooSlow;
  }

  /** Bytes have come; the last PDU of them may be incomplete. */
  void watch() {
    if (timer == null) {
      before = progress.get();
      if (before != null) {
        timer = loop.schedule(this::check, timeoutNanos, TimeUnit.NANOSECONDS);
      }
    }
  }

  void stop() {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private void check() {
    timer = null;
    Progress now = progress.get();
    Progress then = before;
    if (now != null
        && then != null
        && now.number == then.number
        && now.pauses == then.pauses
        && now.bytes - then.bytes < SLOWEST) {
      tooSlow.run();
    } else {
      watch();
    }
  }
}
