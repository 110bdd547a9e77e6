// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Drops a peer that is dead: after a silence it is sent a NOP-In that wants an answer (RFC 7143
 * 11.19); if nothing at all comes then, it is gone. The defaults leave it a minute, since there are
 * initiators that live and yet answer no ping while their user does something else: libiscsi's
 * synchronous calls, for one. Owned by the session's event loop.
 */
final class Keepalive {
  private final Session session;
  private final long intervalNanos;
  private final long timeoutNanos;
  private @Nullable ScheduledFuture<?> timer;
  private int lastTag;

  Keepalive(Session session, IscsiLimits limits) {
    this.session = session;
    this.intervalNanos = limits.pingInterval().toNanos();
    this.timeoutNanos = limits.pingTimeout().toNanos();
  }

  void start() {
    later(intervalNanos, this::listen);
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
    long silence = System.nanoTime() - session.connection().receivedAt();
    if (silence < intervalNanos) {
      later(intervalNanos - silence, this::listen);
      return;
    }
    lastTag = lastTag + 1 & 0x7fffffff;
    session.ping(lastTag);
    long pinged = System.nanoTime();
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
