// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.ScheduledFuture;
import io.netty.util.internal.SystemPropertyUtil;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.anabranch.iscsi.shares.UnsentBytes;
import org.jspecify.annotations.Nullable;

/**
 * What a connection has to send and its peer has not read yet: counts it, says when it is too much,
 * and detects a peer that reads too slowly.
 *
 * <pre>
 *   more than the high water mark of the channel          too much
 *   more than {@value #LEAST} bytes, while too many wait over all connections
 *                                                         too much
 *   less than {@value #SLOWEST} bytes are sent within the timeout, although more wait
 *                                                         the peer is to be dropped
 *   less than a sixth of that within a sixth of the timeout, while other sessions wait for
 *   memory that is less than their share                  likewise
 *   less than {@value #SLOWEST_BESIDE_OTHERS} bytes in each of two of those sixths, while they wait
 *                                                         likewise
 * </pre>
 *
 * No timer runs while the queue is empty. Owned by the channel's event loop.
 */
final class SendQueue {
  /** What each connection may queue in any case. */
  static final int LEAST = 65536;

  /** The least that a peer reads within the timeout. */
  private static final int SLOWEST = 16384;

  /** The least that it reads in one of two periods while others wait for memory. */
  private static final int SLOWEST_BESIDE_OTHERS = 256 << 10;

  private static final int PERIODS = 6;

  /** What Netty adds for each message; so the number of bytes sent is exact. */
  private static final int OVERHEAD =
      SystemPropertyUtil.getInt("io.netty.transport.outboundBufferEntrySizeOverhead", 96);

  private final Channel channel;
  private final UnsentBytes all;
  private final long periodNanos;
  private final BooleanSupplier othersWait;
  private final Runnable stalled;
  private final Runnable drained;
  private @Nullable ScheduledFuture<?> watch;

  /** Completes when what waits now has been sent; null when little waits. */
  private @Nullable ChannelPromise mark;

  private long queued;

  /** What had been sent when the timeout began, and when the present period did. */
  private long sentBefore;

  private long sentBeforePeriod;

  /** Periods of the timeout that are over. */
  private int periods;

  /** Periods one after the other in which others waited and this peer read little. */
  private int slowBesideOthers;

  /** What this queue has added to those of all connections. */
  private long reported;

  private boolean closed;

  /**
   * An empty queue.
   *
   * @param all those of all connections
   * @param othersWait whether sessions that have less than their share wait for memory: data-in
   *     holds its own until it is sent
   * @param stalled runs when the peer reads too slowly
   * @param drained runs when some of what waited was sent
   */
  SendQueue(
      Channel channel,
      UnsentBytes all,
      Duration timeout,
      BooleanSupplier othersWait,
      Runnable stalled,
      Runnable drained) {
    this.channel = channel;
    this.all = all;
    this.periodNanos = timeout.dividedBy(PERIODS).toNanos();
    this.othersWait = othersWait;
    this.stalled = stalled;
    this.drained = drained;
  }

  /** A message was given to the channel to send. */
  void queued(int bytes) {
    queued += bytes + OVERHEAD;
  }

  /**
   * Whether nothing more should be queued if it can be avoided.
   *
   * @param frugal whether {@value #LEAST} bytes are too much in any case
   */
  boolean isFull(boolean frugal) {
    return !channel.isWritable() || ((frugal || all.isOver()) && pending() > LEAST);
  }

  /** After a flush: counts and watches what it left behind. */
  void flushed() {
    long pending = pending();
    if ((pending == 0 && reported == 0) || closed) {
      return;
    }
    all.add(pending - reported);
    reported = pending;
    if (pending > 0 && watch == null && channel.isActive()) {
      sentBeforePeriod = queued - pending;
      sentBefore = periods == 0 ? sentBeforePeriod : sentBefore;
      watch = channel.eventLoop().schedule(this::check, periodNanos, TimeUnit.NANOSECONDS);
    }
    if (pending > LEAST && mark == null) {
      ChannelPromise sent = channel.newPromise();
      mark = sent;
      sent.addListener(future -> passed());
      queued(0);
      var _ = channel.writeAndFlush(Unpooled.EMPTY_BUFFER, sent);
    }
  }

  private void passed() {
    mark = null;
    if (!closed) {
      channel.eventLoop().execute(drained);
    }
  }

  /** The channel is closed. */
  void close() {
    closed = true;
    all.add(-reported);
    reported = 0;
    if (watch != null) {
      watch.cancel(false);
    }
  }

  private void check() {
    watch = null;
    long pending = pending();
    long sent = queued - pending;
    if (pending == 0 || !channel.isActive()) {
      periods = 0;
      slowBesideOthers = 0;
      flushed();
      return;
    }
    periods++;
    long read = sent - sentBeforePeriod;
    boolean others = read < SLOWEST_BESIDE_OTHERS && othersWait.getAsBoolean();
    slowBesideOthers = others ? slowBesideOthers + 1 : 0;
    if ((periods == PERIODS && sent - sentBefore < SLOWEST)
        || (others && read < SLOWEST / PERIODS)
        || slowBesideOthers == 2) {
      stalled.run();
      return;
    }
    periods %= PERIODS;
    flushed();
  }

  private long pending() {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return buffer == null ? 0 : buffer.totalPendingWriteBytes();
  }
}
