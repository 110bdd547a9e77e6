// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.iscsi.wire.Connection;

/** Creates the session of a login. Called on the connection's event loop. */
public interface Admission {
  /** A session for a login that is agreed on. It is neither admitted nor open yet. */
  NewSession session(Connection connection, AgreedLogin login);

  /** The connection has reached full feature phase. */
  void loggedIn(Connection connection);
}
