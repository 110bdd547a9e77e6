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
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
  private static final int DISCOVERY_WINDOW = 16;

  /** What a session leaves to the one that reinstates its connection. */
  private record Legacy(Nexus nexus, int expCmdSn) {}

  private enum State {
    NEW,
    OPEN,
    ENDED
  }

  private final SessionTerms terms;
  private final Sessions sessions;
  private final Connection connection;
  private final SessionKey key;
  private final int connectionId;
  private final int firstCmdSn;
  private final @Nullable TargetNode node;
  private final Portal portal;
  private final Parameters parameters;
  private final Keepalive keepalive;
  private final Counts counts = new Counts();
  private final Counters<SessionCounter> counters = counts.counters(SessionCounter.class);

  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();

  /** Written before the session is known to other threads. */
  private volatile int tsih;

  private State state = State.NEW;
  private @Nullable Session predecessor;
  private @Nullable CommandWindow window;
  private @Nullable Commands commands;

  /** Written before {@link #gone} is done. */
  private volatile @Nullable Legacy legacy;

  private boolean reinstated;
  private @Nullable Nexus nexus;
  private final SessionReport report;

  /**
   * A session that is neither admitted nor open yet.
   *
   * @param sessions those among which it is to have a place
   */
  public Session(SessionTerms terms, Sessions sessions, Connection connection, AgreedLogin login) {
    this.terms = terms;
    this.sessions = sessions;
    this.connection = connection;
    this.key = login.key();
    this.connectionId = login.connectionId();
    this.firstCmdSn = login.firstCmdSn();
    this.node = login.node();
    this.portal = login.portal();
    this.parameters = login.parameters();
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

  /** The session whose place this one takes; before {@link #open}. */
  void follows(Session old) {
    predecessor = old;
  }

  /** This one is to take over what the session that it follows leaves. */
  void reinstatesConnection() {
    reinstated = true;
  }

  int connectionId() {
    return connectionId;
  }

  /**
   * Done when nothing of the session is left at the target: its nexus is closed and its commands
   * have ended, so that no late write of theirs can overtake one of a session that follows. Any
   * thread.
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
            predecessor != null));
  }

  /** Begins full feature phase, with a new nexus or the one of the session before. */
  @Override
  public FullFeaturePhase open() throws LoginRefusedException {
    if (state != State.NEW) {
      throw new LoginRefusedException(
          LoginStatus.SERVICE_UNAVAILABLE, "another login took the session's place");
    }
    checkStillAdmitted();
    Legacy left = predecessor == null ? null : predecessor.legacy;
    Legacy inherited = reinstated ? left : null;
    if (reinstated && inherited == null) {
      throw new LoginRefusedException(
          LoginStatus.SESSION_DOES_NOT_EXIST, "the session ended in the meantime");
    }
    CommandWindow opened = openWindow(inherited == null ? firstCmdSn : inherited.expCmdSn());
    window = opened;
    state = State.OPEN;
    report.loggedIn(node == null);
    predecessor = null;
    if (!reinstated && left != null && node != null) {
      node.router().close(left.nexus()); // it was left for a login that this one overtook
    }
    TaskManagement management = null;
    if (node != null) {
      Nexus mine =
          inherited == null
              ? node.router()
                  .open(new InitiatorPort(key.initiator().text(), key.isid()), key.portalGroupTag())
              : inherited.nexus();
      nexus = mine;
      commands =
          new Commands(
              this,
              node.router(),
              mine,
              opened,
              parameters,
              terms.memory(),
              terms.limits().sendTimeout());
      management =
          new TaskManagement(
              this, node.router(), mine, opened, commands, terms.limits().queueDepth());
    }
    if (node == null) {
      keepalive.expectWithin(terms.discovery().idleTimeout());
    } else {
      keepalive.start();
    }
    return new FullFeaturePhase(terms, this, opened, commands, management);
  }

  /** The target may have changed since the login asked for it. */
  private void checkStillAdmitted() throws LoginRefusedException {
    if (node == null) {
      return;
    }
    TargetNode now = terms.node(node.name());
    if (now == null) {
      throw new LoginRefusedException(LoginStatus.TARGET_REMOVED, "target removed");
    }
    if (!now.isReachableThrough(key.portalGroupTag())) {
      throw new LoginRefusedException(
          LoginStatus.NOT_FOUND, "no longer reached through this portal");
    }
    if (!now.access().admits(key.initiator(), connection.remoteAddress().getAddress())) {
      throw new LoginRefusedException(LoginStatus.AUTHORIZATION_FAILURE, "no longer admitted");
    }
  }

  private CommandWindow openWindow(int cmdSn) throws LoginRefusedException {
    boolean discovery = node == null;
    try {
      return new CommandWindow(
          terms.placeMemory(),
          terms.memory(),
          discovery ? 0 : parameters.firstBurstLength(),
          discovery ? DISCOVERY_WINDOW : terms.limits().queueDepth(),
          cmdSn);
    } catch (CommandWindow.OutOfMemoryException e) {
      throw new LoginRefusedException(LoginStatus.OUT_OF_RESOURCES, String.valueOf(e.getMessage()));
    }
  }

  /** A login that did not come to its end: leaves no trace. */
  @Override
  public void abandon() {
    if (state == State.OPEN) {
      finish();
    } else if (state == State.NEW) {
      state = State.ENDED;
      release();
    }
  }

  /** Ends the session from outside, whatever it is doing. Any thread. */
  public void end(String reason) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          if (state == State.OPEN) {
            LOG.info("{}: session with {} ended: {}", connection.peer(), target(), reason);
          }
          abandon();
          connection.close();
        });
  }

  /**
   * Ends the session because the administrator wants it: its initiator hears of it before the
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
          LOG.info("{}: session with {} ended: {}", connection.peer(), target(), reason);
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
          if (state == State.OPEN && commands != null && nexus != null) {
            LOG.info("{}: connection of {} reinstated", connection.peer(), target());
            Nexus passedOn = nexus;
            int expCmdSn = expCmdSn();
            state = State.ENDED;
            keepalive.stop();
            commands.detach(() -> {
              legacy = new Legacy(passedOn, expCmdSn);
              release();
            });
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

  /** Its connection is gone. */
  void closed() {
    if (state == State.OPEN) {
      LOG.info("{}: session with {} closed", connection.peer(), target());
    }
    abandon();
  }

  /** The logout response is on its way. */
  void loggedOut() {
    LOG.info("{}: logged out of {}", connection.peer(), target());
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
    if (commands != null) {
      commands.close(this::release);
      return;
    }
    if (window != null) {
      window.close();
    }
    release();
  }

  private void release() {
    report.ended(window != null);
    inheritUnused(); // for the session that follows
    Sessions.Left left = sessions.leave(this);
    inheritUnused(); // it may have come just now
    predecessor = null;
    Legacy unused = legacy;
    if (left == Sessions.Left.LAST && unused != null && node != null) {
      node.router().close(unused.nexus());
    }
    gone.complete(null);
  }

  /** A session that never opened leaves what it would have taken over. */
  private void inheritUnused() {
    if (predecessor != null && legacy == null) {
      legacy = predecessor.legacy;
    }
  }

  // --- what others need to know -------------------------------------------------------------

  public Connection connection() {
    return connection;
  }

  /** The portal that the initiator connected to. */
  public Portal portal() {
    return portal;
  }

  SessionReport report() {
    return report;
  }

  /** What this session counts. */
  Counters<SessionCounter> counters() {
    return counters;
  }

  Parameters parameters() {
    return parameters;
  }

  public @Nullable TargetNode node() {
    return node;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  private CommandWindow window() {
    if (window == null) {
      throw new IllegalStateException("session is not open");
    }
    return window;
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
    return (node == null ? "discovery" : node.name())
        + ", portal group "
        + key.portalGroupTag()
        + ", session "
        + tsih;
  }

  private String target() {
    return node == null ? "discovery" : node.name();
  }

  public SessionInfo info() {
    return new SessionInfo(
        tsih,
        key.isid(),
        key.initiator().text(),
        key.target(),
        key.portalGroupTag(),
        connection.remoteAddress(),
        connection.localAddress(),
        parameters.headerDigest(),
        parameters.dataDigest(),
        commands == null ? 0 : commands.inFlight(),
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
    for (Session other : sessions.all()) {
      if (other != this && other.key.target().equals(key.target())) {
        other.end("target cold reset");
      }
    }
    LOG.info("{}: session with {} ended: target cold reset", connection.peer(), target());
    finish();
    connection.closeAfterSending();
  }

  /**
   * Whether a command with RefCmdSN, aborted before it came, may still come: then it is taken as
   * come (RFC 7143 11.5.1).
   */
  boolean missing(int refCmdSn, int cmdSn) {
    boolean inWindow =
        refCmdSn - expCmdSn() >= 0 && refCmdSn - maxCmdSn() <= 0 && refCmdSn - cmdSn < 0;
    if (inWindow && refCmdSn == expCmdSn()) {
      window().enter();
      window().leave();
    }
    return inWindow;
  }
}
