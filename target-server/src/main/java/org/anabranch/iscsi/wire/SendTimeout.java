// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Detects a peer that reads nothing while data is queued for it. No timer runs while the queue is
 * empty. Owned by the channel's event loop.
 */
final class SendTimeout {
  private final Channel channel;
  private final long timeoutNanos;
  private final Runnable stalled;
  private @Nullable ScheduledFuture<?> watch;
  private long queued;
  private long sentBefore;

  /**
   * @param stalled runs when nothing was sent for the timeout although there was something to send
   */
  SendTimeout(Channel channel, Duration timeout, Runnable stalled) {
    this.channel = channel;
    this.timeoutNanos = timeout.toNanos();
    this.stalled = stalled;
  }

  /** Bytes were given to the channel to send. */
  void queued(int bytes) {
    queued += bytes;
  }

  /** After a flush: watches what it left behind. */
  void watch() {
    if (watch == null && !channel.isWritable() && channel.isActive()) {
      sentBefore = sent();
      watch = channel.eventLoop().schedule(this::check, timeoutNanos, TimeUnit.NANOSECONDS);
    }
  }

  void cancel() {
    if (watch != null) {
      watch.cancel(false);
    }
  }

  private void check() {
    watch = null;
    if (channel.isActive() && !channel.isWritable() && sent() == sentBefore) {
      stalled.run();
    } else {
      watch();
    }
  }

  private long sent() {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return queued - (buffer == null ? 0 : buffer.totalPendingWriteBytes());
  }
}
