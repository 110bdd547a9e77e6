// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.login.AgreedLogin;
import org.anabranch.iscsi.login.LoginCounter;
import org.anabranch.iscsi.login.LoginRefusedException;
import org.anabranch.iscsi.login.NewSession;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.SessionKey;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.jscsi.AsyncEvent;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.scsi.api.Nexus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * A session (RFC 7143 4.3, 6.3): one connection, error recovery level 0. Its life and its nexus;
 * what it receives is up to {@link FullFeaturePhase}.
 *
 * <pre>
 *   NEW    login has agreed on it; it may wait for the session whose place it takes
 *   OPEN   full feature phase; there is a nexus, unless it is for discovery
 *   ENDED  its commands are being aborted; gone when the last has ended
 * </pre>
 *
 * <p>A session that reinstates another one of its key is admitted when that one is gone with its
 * nexus, see {@link Sessions}. One that reinstates only the connection then takes over TSIH, nexus
 * and ExpCmdSN; at error recovery level 0 the commands of the old connection are aborted.
 *
 * <p>Owned by its connection's event loop but for what says otherwise.
 */
public final class Session implements NewSession {
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);
  private static final byte[] NO_DATA = {};

  private enum State {
    NEW,
    OPEN,
    ENDED
  }

  private final SessionTerms terms;
  private final Sessions sessions;
  private final Connection connection;
  private final AgreedLogin login;
  private final SessionKey key;
  private final @Nullable TargetNode node;
  private final Keepalive keepalive;
  private final Counts counts = new Counts();
  private final Counters<SessionCounter> counters = counts.counters(SessionCounter.class);

  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();

  /** Written before the session is known to other threads. */
  private volatile int tsih;

  private State state = State.NEW;

  /** Null before the session opens. Written on the event loop; others read it for {@link #info}. */
  private volatile @Nullable OpenSession opened;

  private final SessionReport report;
  private final Succession succession = new Succession();

  /**
   * A session that is neither admitted nor open yet.
   *
   * @param sessions those among which it is to have a place
   */
  public Session(SessionTerms terms, Sessions sessions, Connection connection, AgreedLogin login) {
    this.terms = terms;
    this.sessions = sessions;
    this.connection = connection;
    this.login = login;
    this.key = login.key();
    this.node = login.node();
    this.keepalive = new Keepalive(this, terms.limits());
    this.report = new SessionReport(terms.events(), terms.counts().counters(LoginCounter.class));
  }

  // --- life ---------------------------------------------------------------------------------

  public SessionKey key() {
    return key;
  }

  /** Any thread. */
  @Override
  public int tsih() {
    return tsih;
  }

  void tsih(int handle) {
    tsih = handle;
  }

  @Override
  public void admit(int wanted, Executor loop, Consumer<@Nullable LoginRefusedException> admitted) {
    sessions.admit(this, wanted, loop, admitted);
  }

  /** What it takes over, and what it leaves. */
  Succession succession() {
    return succession;
  }

  int connectionId() {
    return login.connectionId();
  }

  /**
   * Completes when nothing of the session is left at the target: its nexus is closed, and its
   * commands have ended or, where a device hangs, are given up. No write of theirs can come after
   * one of a session that follows, see {@code TaskSet}. Any thread.
   */
  public CompletableFuture<@Nullable Void> gone() {
    return gone;
  }

  /** Reports the login, before {@link #open}; completes when it may be answered. */
  @Override
  public CompletionStage<@Nullable Void> announce() {
    if (node == null) {
      return CompletableFuture.completedFuture(null);
    }
    return report.loggingIn(
        new SessionEvents.Login(
            key.initiator().text(),
            key.isid(),
            key.target(),
            connection.remoteAddress(),
            succession.hasPredecessor()));
  }

  /** Begins full feature phase, with a new nexus or the one of the session before. */
  @Override
  public FullFeaturePhase open() throws LoginRefusedException {
    if (state != State.NEW) {
      throw new LoginRefusedException(
          LoginStatus.SERVICE_UNAVAILABLE, "another login took the session's place");
    }
    OpenSession now = OpenSession.of(terms, this, login, succession);
    opened = now;
    state = State.OPEN;
    succession.taken();
    report.loggedIn(login.type());
    if (node == null) {
      keepalive.expectWithin(terms.discovery().idleTimeout());
    } else {
      keepalive.start();
    }
    return now.phase(terms, this);
  }

  /** The login failed: leaves no trace. */
  @Override
  public void abandon() {
    if (state == State.OPEN) {
      finish();
    } else if (state == State.NEW) {
      state = State.ENDED;
      release();
    }
  }

  /** Ends the session in any state. Any thread. */
  public void end(String reason) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          if (state == State.OPEN) {
            log("{}: session with {} ended: {}", connection.peer(), target(), reason);
          }
          abandon();
          connection.close();
        });
  }

  /** Ends a discovery session whose place another one needs. Any thread. */
  void displace() {
    terms.counts().counters(LoginCounter.class).increment(LoginCounter.DISCOVERY_DISPLACED);
    end("a newer discovery session needs its place");
  }

  /** A PDU came from the initiator. */
  void active() {
    if (node == null) {
      sessions.active(this);
    }
  }

  /**
   * Ends the session on behalf of the administrator. Its initiator is notified before the
   * connection closes (RFC 7143 11.9.1, event 3). Any thread.
   */
  public void dismiss(String reason) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          report.dropped();
          if (state != State.OPEN) {
            abandon();
            connection.close();
            return;
          }
          log("{}: session with {} ended: {}", connection.peer(), target(), reason);
          async(AsyncEvent.SESSION_WILL_DROP, 0);
          finish();
          connection.closeAfterSending();
        });
  }

  /**
   * Ends the session but for its nexus, which a session with a new connection takes. Any thread.
   */
  void handOver() {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          OpenSession now = opened;
          if (state == State.OPEN && now != null && now.hasNexus()) {
            log("{}: connection of {} reinstated", connection.peer(), target());
            state = State.ENDED;
            keepalive.stop();
            now.handOver(succession, this::release);
          } else {
            abandon();
          }
          connection.close();
        });
  }

  /** Asks the initiator to log out (RFC 7143 11.9.1, event 1). Any thread. */
  public void requestLogout(Duration within) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          report.dropped();
          if (state == State.OPEN) {
            int seconds = Math.clamp(within.toSeconds(), 1, 3600);
            async(AsyncEvent.LOGOUT_REQUESTED, seconds);
          }
        });
  }

  /**
   * Logs what happens to the session; discovery, which comes again and again, only for who asks.
   */
  private void log(String message, Object... arguments) {
    connection.in(LOG.atLevel(node == null ? Level.DEBUG : Level.INFO)).log(message, arguments);
  }

  /** Its connection is gone. */
  void closed() {
    if (state == State.OPEN) {
      log("{}: session with {} closed", connection.peer(), target());
    }
    abandon();
  }

  /** The logout response has been queued. */
  void loggedOut() {
    log("{}: logged out of {}", connection.peer(), target());
    finish();
    connection.closeAfterSending();
  }

  /** Sends a NOP-In that wants an answer. */
  void ping(int transferTag) {
    connection.send(
        ColdPdus.nopIn(0, Pdu.NO_TAG, transferTag, connection.statSn(), expCmdSn(), maxCmdSn()),
        NO_DATA);
    connection.flush();
  }

  private void finish() {
    state = State.ENDED;
    keepalive.stop();
    OpenSession now = opened;
    if (now != null) {
      now.close(this::release);
    } else {
      release();
    }
  }

  private void release() {
    OpenSession was = opened;
    report.ended(was != null, was != null && was.isUsed());
    succession.passOn(); // to the session that follows
    Sessions.Left left = sessions.leave(this);
    succession.passOn(); // it may have come just now
    succession.taken();
    Nexus unused = succession.left();
    if (left == Sessions.Left.LAST && unused != null && node != null) {
      node.router().close(unused);
    }
    gone.complete(null);
  }

  // --- what others need to know -------------------------------------------------------------

  public Connection connection() {
    return connection;
  }

  /** The portal that the initiator connected to. */
  public Portal portal() {
    return login.portal();
  }

  SessionReport report() {
    return report;
  }

  /** What this session counts. */
  Counters<SessionCounter> counters() {
    return counters;
  }

  Parameters parameters() {
    return login.parameters();
  }

  public @Nullable TargetNode node() {
    return node;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  private CommandWindow window() {
    OpenSession now = opened;
    if (now == null) {
      throw new IllegalStateException("session is not open");
    }
    return now.window();
  }

  @Override
  public int expCmdSn() {
    return window().expCmdSn();
  }

  @Override
  public int maxCmdSn() {
    return window().maxCmdSn();
  }

  @Override
  public String describeTarget() {
    return (node == null ? "discovery" : node.name()) + ", portal group " + key.portalGroupTag();
  }

  private String target() {
    return node == null ? "discovery" : node.name();
  }

  /** About what there is now. Any thread. */
  public SessionInfo info() {
    OpenSession now = opened;
    return new SessionInfo(
        tsih,
        key.isid(),
        key.initiator().text(),
        key.target(),
        key.portalGroupTag(),
        connection.remoteAddress(),
        connection.localAddress(),
        login.parameters().digests(),
        now == null ? 0 : now.inFlight(),
        counts);
  }

  private void async(AsyncEvent event, int parameter3) {
    connection.send(
        ColdPdus.asyncMessage(
            event, 0, 0, 0, parameter3, connection.nextStatSn(), expCmdSn(), maxCmdSn()),
        NO_DATA);
    connection.flush();
  }

  /** A cold reset of the target ends all its sessions, this one after what it still sends. */
  void coldReset() {
    for (Session other : sessions.at(key.target())) {
      if (other != this) {
        other.end("target cold reset");
      }
    }
    log("{}: session with {} ended: target cold reset", connection.peer(), target());
    finish();
    connection.closeAfterSending();
  }
}
