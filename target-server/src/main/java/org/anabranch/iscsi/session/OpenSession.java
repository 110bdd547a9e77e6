// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.net.InetAddress;
import org.anabranch.iscsi.login.AgreedLogin;
import org.anabranch.iscsi.login.LoginRefusedException;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.login.SessionKey;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.TaskRouter;
import org.jspecify.annotations.Nullable;

/**
 * What a session has in full feature phase: a command window and, unless it is for discovery, a
 * nexus and the commands of that.
 *
 * <p>Owned by the session's event loop.
 */
final class OpenSession {
  private static final int DISCOVERY_WINDOW = 16;

  /** The nexus of a normal session, and what runs on it. */
  private record Normal(Nexus nexus, Commands commands, TaskManagement management) {}

  private final CommandWindow window;
  private final @Nullable Normal normal;

  private OpenSession(CommandWindow window, @Nullable Normal normal) {
    this.window = window;
    this.normal = normal;
  }

  /**
   * Makes it, with a new nexus or the one that the session before has left.
   *
   * @throws LoginRefusedException the target no longer admits the session
   */
  static OpenSession of(
      SessionTerms terms, Session session, AgreedLogin login, Succession succession)
      throws LoginRefusedException {
    TargetNode node = login.node();
    if (node != null) {
      checkAdmitted(
          terms.node(node.name()), login.key(), session.connection().remoteAddress().getAddress());
    }
    Succession.Taken taken = succession.take();
    if (node == null) {
      return new OpenSession(window(terms, 0, DISCOVERY_WINDOW, login.firstCmdSn()), null);
    }
    Succession.Legacy inherited = taken.inherited();
    CommandWindow window =
        window(
            terms,
            unsolicited(login.parameters()),
            terms.limits().queueDepth(),
            inherited == null ? login.firstCmdSn() : inherited.expCmdSn());
    TaskRouter router = node.router();
    if (taken.unused() != null) {
      router.close(taken.unused());
    }
    Nexus nexus = inherited == null ? nexus(router, login.key()) : inherited.nexus();
    nexus.session(session.connection()::in);
    Commands commands =
        new Commands(
            session,
            router,
            nexus,
            window,
            login.parameters(),
            terms.memory(),
            terms.limits().sendTimeout());
    TaskManagement management =
        new TaskManagement(session, router, nexus, window, commands, terms.limits().queueDepth());
    return new OpenSession(window, new Normal(nexus, commands, management));
  }

  /** Bytes that a command may bring before an R2T. */
  private static int unsolicited(Parameters parameters) {
    return parameters.initialR2t() && !parameters.immediateData()
        ? 0
        : parameters.firstBurstLength();
  }

  private static Nexus nexus(TaskRouter router, SessionKey key) {
    return router.open(new InitiatorPort(key.initiator().text(), key.isid()), key.portalGroupTag());
  }

  /** The target may have changed since the login asked for it. */
  private static void checkAdmitted(@Nullable TargetNode now, SessionKey key, InetAddress address)
      throws LoginRefusedException {
    if (now == null) {
      throw new LoginRefusedException(LoginStatus.TARGET_REMOVED, "target removed");
    }
    if (!now.isReachableThrough(key.portalGroupTag())) {
      throw new LoginRefusedException(
          LoginStatus.NOT_FOUND, "no longer reached through this portal");
    }
    if (!now.access().admits(key.initiator(), address)) {
      throw new LoginRefusedException(LoginStatus.AUTHORIZATION_FAILURE, "no longer admitted");
    }
  }

  private static CommandWindow window(
      SessionTerms terms, int placeBytes, int maxPlaces, int cmdSn) {
    int kept = placeBytes == 0 ? 1 : terms.limits().firstBurstLength() / placeBytes;
    return new CommandWindow(new CommandWindow.Memory(terms), placeBytes, kept, maxPlaces, cmdSn);
  }

  /** What receives the session's PDUs from now on. */
  FullFeaturePhase phase(SessionTerms terms, Session session) {
    return normal == null
        ? new FullFeaturePhase(terms, session, window, null, null)
        : new FullFeaturePhase(terms, session, window, normal.commands, normal.management);
  }

  CommandWindow window() {
    return window;
  }

  /** Whether a command of its nexus read, wrote or reserved. */
  boolean isUsed() {
    return normal != null && normal.nexus.isUsed();
  }

  boolean hasNexus() {
    return normal != null;
  }

  /** Commands in flight. On other threads about as many as there are. */
  int inFlight() {
    return normal == null ? 0 : normal.commands.inFlight();
  }

  /** Ends the commands and the nexus; {@code gone} runs when no command is left. */
  void close(Runnable gone) {
    if (normal != null) {
      normal.commands.close(gone);
    } else {
      window.close();
      gone.run();
    }
  }

  /**
   * Ends the commands, and leaves the nexus to the session that reinstates the connection. {@code
   * gone} runs when no command is left. Not for discovery sessions.
   */
  void handOver(Succession succession, Runnable gone) {
    if (normal == null) {
      throw new IllegalStateException("a discovery session has no nexus");
    }
    int expCmdSn = window.expCmdSn();
    normal.commands.detach(() -> {
      succession.leave(normal.nexus, expCmdSn);
      gone.run();
    });
  }
}
