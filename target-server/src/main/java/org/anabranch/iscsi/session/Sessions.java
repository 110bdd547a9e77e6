// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.LoginRefusedException;
import org.anabranch.iscsi.login.SessionKey;
import org.anabranch.iscsi.shares.AddressBlock;
import org.anabranch.iscsi.shares.SharedPlaces;
import org.anabranch.jscsi.LoginStatus;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of the server by their key and by their TSIH. A login whose key is taken reinstates
 * the session (RFC 7143 6.3.5), a login with a session's TSIH its connection (6.3.4): the old
 * session is ended first, and the new one is admitted when nothing of the old one is left.
 *
 * <p>Normal sessions have a limit in all and one for each initiator. Discovery sessions have places
 * of their own, shared by address: one too many ends another one, see {@link SharedPlaces}.
 *
 * <p>One login waits for each key. A later one takes its turn, and the earlier one is refused: so
 * an initiator that tries again and again while a device hangs gets in with its last attempt, and
 * what waits is bounded by the number of sessions.
 *
 * <p>Any thread; the lock covers the two tables, and nothing is called while it is held.
 */
public final class Sessions {
  private static final int MAX_TSIH = 65535;

  /** A login that waits until the session before it is gone. */
  private record Waiting(
      Session session, Executor loop, Consumer<@Nullable LoginRefusedException> admitted) {}

  /** A key that is taken. Guarded by the lock of the sessions. */
  private static final class Place {
    Session holder;
    @Nullable Waiting next;

    Place(Session holder) {
      this.holder = holder;
    }
  }

  private volatile IscsiLimits limits;

  @GuardedBy("this")
  private final Map<SessionKey, Place> places = new HashMap<>();

  /** Those who hold a place, and those who wait for one. */
  @GuardedBy("this")
  private final Map<Integer, Session> byTsih = new HashMap<>();

  /** Of those who hold a place, the discovery sessions. */
  @GuardedBy("this")
  private final SharedPlaces<Session> discovery = new SharedPlaces<>();

  @GuardedBy("this")
  private int lastTsih;

  /** No sessions yet. */
  public Sessions(IscsiLimits limits) {
    this.limits = limits;
  }

  /** Existing sessions stay, even above the new limits. */
  public void limits(IscsiLimits changed) {
    limits = changed;
  }

  /**
   * Gives a session its place: a new one, that of the session with its key, or with a TSIH that of
   * the session whose connection it reinstates.
   *
   * @param tsih the one that the initiator asks for; 0 for a new one
   * @param loop runs {@code admitted}, once the session that had the place before is gone
   * @param admitted is told null, or why not; not called for a session that ends before
   */
  void admit(
      Session session,
      int tsih,
      Executor loop,
      Consumer<@Nullable LoginRefusedException> admitted) {
    Session old = null;
    Waiting overtaken = null;
    Session displaced = null;
    LoginRefusedException refusal;
    synchronized (this) {
      Place place = places.get(session.key());
      refusal =
          tsih == 0 ? crowded(session.key(), place) : unjoinable(session, byTsih.get(tsih), tsih);
      if (refusal == null) {
        session.tsih(tsih == 0 ? newTsih() : tsih);
        byTsih.put(session.tsih(), session);
        if (place == null) {
          places.put(session.key(), new Place(session));
          displaced = enterDiscovery(session);
        } else {
          old = place.holder;
          overtaken = place.next;
          place.next = new Waiting(session, loop, admitted);
          session.succession().follows(old.succession());
        }
      }
    }
    displace(displaced);
    if (old == null) {
      loop.execute(() -> admitted.accept(refusal));
      return;
    }
    if (overtaken != null) {
      overtaken.session.end("reinstated by a new login");
    }
    if (tsih == 0) {
      old.end("reinstated by a new login");
    } else {
      session.succession().reinstatesConnection();
      old.handOver();
    }
  }

  @GuardedBy("this")
  private @Nullable LoginRefusedException crowded(SessionKey key, @Nullable Place place) {
    if (byTsih.size() >= MAX_TSIH) {
      return outOfResources("every TSIH is in use");
    }
    if (place != null || key.isDiscovery()) {
      return null;
    }
    if (places.size() - discovery.size() >= limits.sessions()) {
      return outOfResources("limit of " + limits.sessions() + " sessions");
    }
    long own = places.keySet().stream().filter(other -> isOfSameInitiator(other, key)).count();
    return own < limits.sessionsPerInitiator()
        ? null
        : outOfResources("limit of " + limits.sessionsPerInitiator() + " sessions of an initiator");
  }

  private static boolean isOfSameInitiator(SessionKey one, SessionKey other) {
    return !one.isDiscovery() && one.initiator().equals(other.initiator());
  }

  private static LoginRefusedException outOfResources(String reason) {
    return new LoginRefusedException(LoginStatus.OUT_OF_RESOURCES, reason);
  }

  /** Gives a session a place if it is for discovery; returns the one that loses its place. */
  @GuardedBy("this")
  private @Nullable Session enterDiscovery(Session session) {
    if (!session.key().isDiscovery()) {
      return null;
    }
    AddressBlock from = AddressBlock.of(session.connection().remoteAddress().getAddress());
    return discovery.enter(session, from, limits.discoverySessions());
  }

  private static void displace(@Nullable Session displaced) {
    if (displaced != null) {
      displaced.displace();
    }
  }

  /** A discovery session has sent something: it is the last of its address to lose its place. */
  synchronized void active(Session session) {
    discovery.standing(session, SharedPlaces.Standing.ACTIVE);
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

  @GuardedBy("this")
  private int newTsih() {
    do {
      lastTsih = lastTsih % MAX_TSIH + 1;
    } while (byTsih.containsKey(lastTsih));
    return lastTsih;
  }

  /** What became of the place of a session that is gone. */
  enum Left {
    /** It had none, or not yet. */
    NO_PLACE,
    /** A session that waited has it now. */
    PASSED_ON,
    /** Nobody has it. */
    LAST
  }

  /** Nothing is left of a session; one that was refused may leave, too. */
  Left leave(Session session) {
    Waiting next;
    Session displaced;
    synchronized (this) {
      byTsih.remove(session.tsih(), session);
      discovery.leave(session);
      Place place = places.get(session.key());
      if (place == null) {
        return Left.NO_PLACE;
      }
      if (place.holder != session) {
        if (place.next != null && place.next.session == session) {
          place.next = null;
        }
        return Left.NO_PLACE;
      }
      next = place.next;
      if (next == null) {
        places.remove(session.key());
        return Left.LAST;
      }
      place.holder = next.session;
      place.next = null;
      displaced = enterDiscovery(next.session);
    }
    displace(displaced);
    next.loop.execute(() -> next.admitted.accept(null));
    return Left.PASSED_ON;
  }

  public synchronized @Nullable Session get(int tsih) {
    return byTsih.get(tsih);
  }

  /** All sessions with a target that hold a place or wait for one. */
  public List<Session> at(String target) {
    return all().stream().filter(session -> session.key().target().equals(target)).toList();
  }

  /** All that hold a place or wait for one. */
  public synchronized List<Session> all() {
    Set<Session> all = new LinkedHashSet<>(byTsih.values());
    places.values().forEach(place -> all.add(place.holder)); // one may have passed its TSIH on
    return new ArrayList<>(all);
  }
}
