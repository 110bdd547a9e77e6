// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.anabranch.jscsi.LoginStatus;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of the server by their key and by their TSIH. A login whose key is taken reinstates
 * the session (RFC 7143 6.3.5), a login with a session's TSIH its connection (6.3.4): the old one
 * is ended first, then the new one is admitted. Any thread; the lock covers the two tables.
 */
final class Sessions {
  private static final int LARGEST_TSIH = 65535;

  private volatile int most;

  /** Guarded by this. */
  private final Map<SessionKey, Session> byKey = new HashMap<>();

  /** Guarded by this. */
  private final Map<Integer, Session> byTsih = new HashMap<>();

  /** Guarded by this. */
  private int lastTsih;

  Sessions(int most) {
    this.most = most;
  }

  /** Those that are there stay, also when they are more. */
  void most(int sessions) {
    most = sessions;
  }

  /**
   * Gives a session its place: a new one, that of the session with its key, or with a TSIH that of
   * the session whose connection it reinstates.
   *
   * @param tsih the one that the initiator asks for; 0 for a new one
   * @param loop runs {@code admitted}, once the session that had the place before is gone
   * @param admitted is told null, or why not
   */
  void admit(
      Session session,
      int tsih,
      Executor loop,
      Consumer<@Nullable LoginRefusedException> admitted) {
    Session old;
    LoginRefusedException refusal;
    synchronized (this) {
      old = tsih == 0 ? byKey.get(session.key()) : byTsih.get(tsih);
      refusal = tsih == 0 ? crowded(old) : unjoinable(session, old, tsih);
      if (refusal == null) {
        session.tsih(tsih == 0 ? newTsih() : tsih);
        byTsih.put(session.tsih(), session);
        byKey.put(session.key(), session);
      }
    }
    if (refusal != null || old == null) {
      loop.execute(() -> admitted.accept(refusal));
      return;
    }
    session.follows(old);
    if (tsih == 0) {
      old.end("reinstated by a new login");
    } else {
      session.reinstatesConnection();
      old.handOver();
    }
    var _ = old.gone().thenRunAsync(() -> admitted.accept(null), loop);
  }

  private @Nullable LoginRefusedException crowded(@Nullable Session old) {
    return old != null || byKey.size() < most
        ? null
        : new LoginRefusedException(LoginStatus.OUT_OF_RESOURCES, "limit of " + most + " sessions");
  }

  private static @Nullable LoginRefusedException unjoinable(
      Session session, @Nullable Session old, int tsih) {
    if (old == null || !old.key().equals(session.key())) {
      return new LoginRefusedException(
          LoginStatus.SESSION_DOES_NOT_EXIST, "no session with TSIH " + tsih);
    }
    if (old.connectionId() != session.connectionId()) {
      return new LoginRefusedException(
          LoginStatus.TOO_MANY_CONNECTIONS, "a session has one connection");
    }
    return null;
  }

  /** Called with the lock held. */
  private int newTsih() {
    do {
      lastTsih = lastTsih % LARGEST_TSIH + 1;
    } while (byTsih.containsKey(lastTsih));
    return lastTsih;
  }

  /** A session that was admitted is no more. */
  synchronized void remove(Session session) {
    byTsih.remove(session.tsih(), session);
    byKey.remove(session.key(), session);
  }

  synchronized @Nullable Session get(int tsih) {
    return byTsih.get(tsih);
  }

  synchronized List<Session> all() {
    return new ArrayList<>(byTsih.values());
  }
}
