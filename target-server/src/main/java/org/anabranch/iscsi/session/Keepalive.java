// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.anabranch.iscsi.login.IscsiLimits;
import org.jspecify.annotations.Nullable;

/**
 * Drops a dead peer: after a time of silence it is sent a ping, a NOP-In that requests a response
 * (RFC 7143 11.19). If it then sends nothing at all, it is dropped. By default it has a minute,
 * since some initiators do not answer while their user does something else, such as programs that
 * use libiscsi's synchronous calls. A discovery session is never sent a ping, which many initiators
 * do not expect there. It has a longer timeout instead. Owned by the session's event loop.
 */
final class Keepalive {
  private final Session session;
  private final long intervalNanos;
  private final long timeoutNanos;
  private @Nullable ScheduledFuture<?> timer;
  private int lastTag;

  Keepalive(Session session, IscsiLimits limits) {
    this.session = session;
    this.intervalNanos = limits.protocol().keepaliveInterval().toNanos();
    this.timeoutNanos = limits.protocol().keepaliveTimeout().toNanos();
  }

  void start() {
    later(intervalNanos, this::listen);
  }

  /** Drops the peer after this long a silence, without pings. */
  void expectWithin(Duration limit) {
    long silence = session.connection().now() - session.connection().receivedAt();
    long left = limit.toNanos() - silence;
    if (left > 0) {
      later(left, () -> expectWithin(limit));
    } else {
      session.connection().drop("discovery session silent for " + limit.toSeconds() + " s");
    }
  }

  void stop() {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private void later(long nanos, Runnable step) {
    timer =
        session
            .connection()
            .channel()
            .eventLoop()
            .schedule(step, Math.max(nanos, 1), TimeUnit.NANOSECONDS);
  }

  private void listen() {
    long silence = session.connection().now() - session.connection().receivedAt();
    if (silence < intervalNanos) {
      later(intervalNanos - silence, this::listen);
      return;
    }
    lastTag = lastTag + 1 & 0x7fffffff;
    session.ping(lastTag);
    long pinged = session.connection().now();
    later(timeoutNanos, () -> judge(pinged));
  }

  private void judge(long pinged) {
    if (session.connection().receivedAt() - pinged < 0) {
      session.connection().drop("it does not answer");
    } else {
      listen();
    }
  }
}
