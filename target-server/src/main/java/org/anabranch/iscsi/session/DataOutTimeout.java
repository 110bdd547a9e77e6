// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Drops a peer that stops sending solicited data, for which memory is reserved. Only the oldest
 * open sequence is timed; it must receive a byte within the timeout. Younger sequences may wait
 * longer, since the network may be slow. No timer runs while no data is due. Owned by the session's
 * event loop.
 */
final class DataOutTimeout {
  /**
   * How far the oldest open sequence is.
   *
   * @param sequence its number; those that began later have larger ones
   * @param bytes of it that came in whole PDUs
   * @param receivedAt while a PDU of it is coming in: when a byte last came
   * @param pauses how often the connection was paused, for which the peer is not to blame
   */
  record Progress(long sequence, long bytes, long receivedAt, int pauses) {}

  private final EventLoop loop;
  private final long timeoutNanos;
  private final Supplier<@Nullable Progress> progress;
  private final Runnable missed;
  private @Nullable Progress before;
  private @Nullable ScheduledFuture<?> timer;

  /**
   * @param progress returns null when nothing is missing
   * @param missed runs on the loop when there was no progress for the timeout
   */
  DataOutTimeout(
      EventLoop loop, Duration timeout, Supplier<@Nullable Progress> progress, Runnable missed) {
    this.loop = loop;
    this.timeoutNanos = timeout.toNanos();
    this.progress = progress;
    this.missed = missed;
  }

  /** Data is due from now on. */
  void watch() {
    if (timer == null) {
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
    timer = now == null ? null : loop.schedule(this::check, timeoutNanos, TimeUnit.NANOSECONDS);
  }

  private void check() {
    Progress now = progress.get();
    if (now != null && now.equals(before)) {
      timer = null;
      missed.run();
    } else {
      later(now);
    }
  }
}
