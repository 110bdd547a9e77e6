// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.util.concurrent.CompletionStage;
import org.anabranch.block.count.Counters;
import org.anabranch.iscsi.login.LoginCounter;
import org.anabranch.iscsi.login.SessionType;
import org.jspecify.annotations.Nullable;

/**
 * What {@link SessionEvents} is told of one session: its login and, once, how it ended. Owned by
 * the session's event loop.
 */
final class SessionReport {
  private final SessionEvents events;
  private final Counters<LoginCounter> counters;

  /** The login that was reported; null before it, and once the end has been reported. */
  private SessionEvents.@Nullable Login login;

  /** Whether the target ended the session, or asked the initiator to log out. */
  private boolean dropped;

  /** Whether the initiator sent a Logout that closes the session, without being asked to. */
  private boolean loggedOut;

  /**
   * @param counters of the server
   */
  SessionReport(SessionEvents events, Counters<LoginCounter> counters) {
    this.events = events;
    this.counters = counters;
  }

  /** The session has its place. Completes when the login may be answered. */
  CompletionStage<@Nullable Void> loggingIn(SessionEvents.Login reported) {
    login = reported;
    return events.loggingIn(reported);
  }

  /** The session has reached full feature phase. */
  void loggedIn(SessionType type) {
    counters.increment(
        type == SessionType.DISCOVERY ? LoginCounter.DISCOVERY_LOGINS : LoginCounter.LOGINS);
    SessionEvents.Login reported = login;
    if (reported != null && reported.reinstates()) {
      counters.increment(LoginCounter.REINSTATEMENTS);
    }
  }

  /** The target ends the session, or asks the initiator to log out. */
  void dropped() {
    dropped = true;
  }

  /** The initiator sent a Logout that closes the session; commands may still run. */
  void logoutReceived() {
    loggedOut = !dropped;
  }

  /**
   * The session has ended, and its commands have ended or are given up.
   *
   * @param wasOpen whether the session ever reached full feature phase
   * @param used whether a command of it read, wrote or reserved
   */
  void ended(boolean wasOpen, boolean used) {
    SessionEvents.Login reported = login;
    if (reported == null) {
      return;
    }
    login = null;
    SessionEvents.End end;
    if (!wasOpen) {
      end = SessionEvents.End.NOT_LOGGED_IN;
    } else if (loggedOut) {
      end = SessionEvents.End.LOGGED_OUT;
    } else if (dropped) {
      end = SessionEvents.End.DROPPED;
    } else {
      end = used ? SessionEvents.End.CONNECTION_LOST : SessionEvents.End.LOST_UNUSED;
    }
    count(end);
    events.ended(reported, end);
  }

  private void count(SessionEvents.End end) {
    switch (end) {
      case LOGGED_OUT -> counters.increment(LoginCounter.LOGOUTS);
      case CONNECTION_LOST, LOST_UNUSED -> counters.increment(LoginCounter.SESSIONS_LOST);
      case DROPPED -> counters.increment(LoginCounter.SESSIONS_ENDED);
      case NOT_LOGGED_IN -> {
        // Counted as a refusal, or the connection was lost before there was a session.
      }
    }
  }
}
