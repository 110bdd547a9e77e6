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
 * the session (RFC 7143 6.3.5): the old one is closed first, then the new one is admitted. Any
 * thread; the lock covers the two tables.
 */
final class Sessions {
  private static final int LARGEST_TSIH = 65535;

  private final int most;

  /** Guarded by this. */
  private final Map<SessionKey, Session> byKey = new HashMap<>();

  /** Guarded by this. */
  private final Map<Integer, Session> byTsih = new HashMap<>();

  /** Guarded by this. */
  private int lastTsih;

  Sessions(int most) {
    this.most = most;
  }

  /**
   * Gives a session its TSIH and its place.
   *
   * @param loop runs {@code admitted}, once the session that had the key before is gone
   * @param admitted is told null, or why not
   */
  void admit(Session session, Executor loop, Consumer<@Nullable LoginRefusedException> admitted) {
    Session old;
    synchronized (this) {
      old = byKey.get(session.key());
      if (old == null && byKey.size() >= most) {
        loop.execute(() ->
            admitted.accept(
                new LoginRefusedException(
                    LoginStatus.OUT_OF_RESOURCES, "limit of " + most + " sessions")));
        return;
      }
      do {
        lastTsih = lastTsih % LARGEST_TSIH + 1;
      } while (byTsih.containsKey(lastTsih));
      session.tsih(lastTsih);
      byTsih.put(lastTsih, session);
      byKey.put(session.key(), session);
    }
    if (old == null) {
      loop.execute(() -> admitted.accept(null));
      return;
    }
    session.follows(old);
    old.end("reinstated by a new login");
    var _ = old.gone().thenRunAsync(() -> admitted.accept(null), loop);
  }

  /** A session that was admitted is no more. */
  synchronized void remove(Session session) {
    byTsih.remove(session.tsih(), session);
    byKey.remove(session.key(), session);
  }

  /** Why a login with a TSIH, for another connection in a session, is refused. */
  synchronized LoginRefusedException joins(SessionKey key, int tsih) {
    Session session = byTsih.get(tsih);
    if (session == null || !session.key().equals(key)) {
      return new LoginRefusedException(
          LoginStatus.SESSION_DOES_NOT_EXIST, "no session with TSIH " + tsih);
    }
    return new LoginRefusedException(
        LoginStatus.TOO_MANY_CONNECTIONS, "a session has one connection");
  }

  synchronized @Nullable Session get(int tsih) {
    return byTsih.get(tsih);
  }

  synchronized List<Session> all() {
    return new ArrayList<>(byTsih.values());
  }
}
