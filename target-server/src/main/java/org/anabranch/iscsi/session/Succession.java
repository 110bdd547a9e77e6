// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.login.LoginRefusedException;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.scsi.api.Nexus;
import org.jspecify.annotations.Nullable;

/**
 * What a session takes over from the one whose place it takes, and what it leaves to the next one.
 *
 * <pre>
 *   session reinstatement (RFC 7143 6.3.5)      nothing: the old nexus is closed
 *   connection reinstatement (RFC 7143 6.3.4)   the nexus and ExpCmdSN
 * </pre>
 *
 * A session that ends before it opened passes on what it would have taken over. So a nexus is lost
 * only when nobody follows.
 *
 * <p>Owned by the session's event loop, but for {@link #legacy}.
 */
final class Succession {
  /** What is left to the session that reinstates the connection. */
  record Legacy(Nexus nexus, int expCmdSn) {}

  private @Nullable Succession predecessor;
  private boolean reinstatesConnection;

  /** Written on this session's event loop before it is gone; read on that of the next one. */
  private volatile @Nullable Legacy legacy;

  /** The session whose place this one takes; before {@link #take}. */
  void follows(Succession old) {
    predecessor = old;
  }

  /** This session is to take over the nexus of the one that it follows. */
  void reinstatesConnection() {
    reinstatesConnection = true;
  }

  /** Whether it takes the place of a session that had not logged out. */
  boolean hasPredecessor() {
    return predecessor != null;
  }

  /** The session has the nexus from now on, or closes it. */
  record Taken(@Nullable Legacy inherited, @Nullable Nexus unused) {}

  /**
   * Takes what the session before has left, once, when this one opens.
   *
   * @throws LoginRefusedException the connection is to be reinstated, and the nexus is gone
   */
  Taken take() throws LoginRefusedException {
    Legacy left = predecessor == null ? null : predecessor.legacy;
    if (reinstatesConnection) {
      if (left == null) {
        throw new LoginRefusedException(
            LoginStatus.SESSION_DOES_NOT_EXIST, "the session ended in the meantime");
      }
      return new Taken(left, null);
    }
    // What was left for a login that this one has overtaken is of no use.
    return new Taken(null, left == null ? null : left.nexus());
  }

  /** The session is open, and no longer needs the one before. */
  void taken() {
    predecessor = null;
  }

  /** Leaves the nexus to the session that reinstates the connection. */
  void leave(Nexus nexus, int expCmdSn) {
    legacy = new Legacy(nexus, expCmdSn);
  }

  /** A session that never opened passes on what it would have taken over. */
  void passOn() {
    if (predecessor != null && legacy == null) {
      legacy = predecessor.legacy;
    }
  }

  /** The nexus that nobody took over, if nobody follows; null if there is none. */
  @Nullable Nexus left() {
    Legacy left = legacy;
    return left == null ? null : left.nexus();
  }
}
