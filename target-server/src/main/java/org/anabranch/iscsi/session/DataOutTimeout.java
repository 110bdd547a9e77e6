// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Drops a peer that does not send the data that it was asked for, or only trickles it: memory is
 * reserved for it. Only the oldest open sequence is timed; younger ones may wait longer, since the
 * network may be slow. What must come in each period, a sixth of the timeout, unless it is the rest
 * of the sequence:
 *
 * <pre>
 *   {@value #SLOWEST} bytes     in one of six periods, or the peer is dropped
 *   {@value #SLOWEST_BESIDE_OTHERS} bytes   in each, while others wait for memory that is less than their share
 * </pre>
 *
 * No timer runs while no data is due. Owned by the session's event loop.
 */
final class DataOutTimeout {
  /** The least that comes in a period. */
  static final int SLOWEST = 4096;

  /** The least that comes in a period while others wait for memory. */
  static final int SLOWEST_BESIDE_OTHERS = 256 << 10;

  private static final int PERIODS = 6;

  /**
   * How far the oldest open sequence is.
   *
   * @param sequence its number; those that began later have larger ones
   * @param bytes of it that came in whole PDUs
   * @param received while a PDU of it is coming in: the bytes of the connection, otherwise 0
   * @param pauses how often the connection was paused, for which the peer is not to blame
   */
  record Progress(long sequence, long bytes, long received, int pauses) {
    private boolean isSlowSince(Progress before, int least) {
      long partial = received == 0 || before.received == 0 ? 0 : received - before.received;
      return sequence == before.sequence
          && pauses == before.pauses
          && Math.max(bytes - before.bytes, partial) < least;
    }
  }

  private final EventLoop loop;
  private final long periodNanos;
  private final BooleanSupplier othersWait;
  private final Supplier<@Nullable Progress> progress;
  private final Runnable missed;
  private @Nullable Progress before;
  private int lost;
  private @Nullable ScheduledFuture<?> timer;

  /**
   * Watches nothing yet.
   *
   * @param othersWait whether sessions that have less than their share wait for memory
   * @param progress returns null when nothing is missing
   * @param missed runs on the loop when there was too little progress
   */
  DataOutTimeout(
      EventLoop loop,
      Duration timeout,
      BooleanSupplier othersWait,
      Supplier<@Nullable Progress> progress,
      Runnable missed) {
    this.loop = loop;
    this.periodNanos = timeout.dividedBy(PERIODS).toNanos();
    this.othersWait = othersWait;
    this.progress = progress;
    this.missed = missed;
  }

  /** Data is due from now on. */
  void watch() {
    if (timer == null) {
      lost = 0;
      later(progress.get());
    }
  }

  void stop() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }

  private void later(@Nullable Progress now) {
    before = now;
    timer = now == null ? null : loop.schedule(this::check, periodNanos, TimeUnit.NANOSECONDS);
  }

  private void check() {
    Progress now = progress.get();
    Progress then = before;
    lost = isSlow(then, now, SLOWEST) ? lost + 1 : 0;
    if (lost >= PERIODS
        || (isSlow(then, now, SLOWEST_BESIDE_OTHERS) && othersWait.getAsBoolean())) {
      timer = null;
      missed.run();
    } else {
      later(now);
    }
  }

  private static boolean isSlow(@Nullable Progress then, @Nullable Progress now, int least) {
    return then != null && now != null && now.isSlowSince(then, least);
  }
}
