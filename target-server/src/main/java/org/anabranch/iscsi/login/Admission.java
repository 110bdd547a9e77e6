// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.iscsi.wire.Connection;

/** Creates the session of a login. Called on the connection's event loop. */
public interface Admission {
  /** A session for a login that is agreed on. It is neither admitted nor open yet. */
  NewSession session(Connection connection, AgreedLogin login);

  /** The initiator has sent a whole login request that makes sense. */
  void progressed(Connection connection);

  /** The login was refused; the connection closes when the answer has been sent. */
  void refused(Connection connection);

  /** The connection has reached full feature phase. */
  void loggedIn(Connection connection);
}
