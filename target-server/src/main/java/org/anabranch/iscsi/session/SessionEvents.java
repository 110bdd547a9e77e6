// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Is notified of the normal sessions of an iSCSI server. Discovery sessions are not reported.
 *
 * <p>For each session {@link #loggingIn} is called once, and {@link #ended} once after that. A
 * session that reinstates another one is reported after the end of that one. Both methods are
 * called on event loops and must not block; calls for different sessions may come at the same time.
 */
public interface SessionEvents {
  /** Nobody listens. */
  SessionEvents IGNORED =
      new SessionEvents() {
        @Override
        public CompletionStage<@Nullable Void> loggingIn(Login login) {
          return CompletableFuture.completedFuture(null);
        }

        @Override
        public void ended(Login login, End end) {}
      };

  /**
   * A login. The same object is given to {@link #ended}, so that two sessions of one nexus can be
   * told apart.
   *
   * @param initiator the initiator's name, normalised
   * @param isid 48 bits (RFC 7143 11.12.5); the two highest ones are the type of the ISID
   * @param target the name of the target node
   * @param from the initiator's address
   * @param reinstates whether it takes the place of a session, or of the connection of a session,
   *     that the initiator had not logged out (RFC 7143 6.3.4, 6.3.5)
   */
  record Login(
      String initiator, long isid, String target, InetSocketAddress from, boolean reinstates) {}

  /** How a session ended. */
  enum End {
    /**
     * The initiator sent a Logout that closes the session, and it had not been asked to. A
     * connection that is lost while the commands before the Logout end makes no difference.
     */
    LOGGED_OUT,
    /**
     * The connection was lost, closed or dropped because of an error, or the session was
     * reinstated, or ended by a task management function.
     */
    CONNECTION_LOST,
    /**
     * As {@link #CONNECTION_LOST}, but no command of the session has read, written or reserved
     * anything: it only asked which LUNs there are. Programs that list disks end like this.
     */
    LOST_UNUSED,
    /**
     * The target ended it or asked the initiator to log out: a stop of the server, an
     * administrator, a target that was removed. Also when the initiator answered that with a
     * Logout.
     */
    DROPPED,
    /** The login failed after {@link #loggingIn}: the initiator never got the final response. */
    NOT_LOGGED_IN
  }

  /**
   * An initiator has been admitted and waits for its final Login Response. It is sent when the
   * stage completes; if the stage fails, the login is refused with a target error (0300). If the
   * stage takes longer than what is left of the login timeout, the connection is dropped.
   */
  CompletionStage<@Nullable Void> loggingIn(Login login);

  /**
   * A session has ended: none of its commands runs any more, but for those that were given up
   * because their device hangs. The device has these until it ends them.
   */
  void ended(Login login, End end);
}
