// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.anabranch.iscsi.wire.Connection;
import org.jspecify.annotations.Nullable;

/**
 * A session at the end of its login: first it is admitted, then announced, then opened. At each
 * point it may be abandoned instead. Owned by the connection's event loop.
 */
public interface NewSession {
  /**
   * Asks for the session's place among the sessions of the server.
   *
   * @param tsih the one that the initiator asks for; 0 for a new one
   * @param loop runs {@code admitted}, once the session that had the place before is gone
   * @param admitted receives null, or the reason of a refusal; not called for a session that ends
   *     before
   */
  void admit(int tsih, Executor loop, Consumer<@Nullable LoginRefusedException> admitted);

  /** Reports the login. The stage completes when the login may be answered. */
  CompletionStage<@Nullable Void> announce();

  /**
   * Begins full feature phase.
   *
   * @throws LoginRefusedException the target, or the session's place, is no longer there
   */
  Connection.Phase open() throws LoginRefusedException;

  /** The login did not come to its end. The session leaves no trace. */
  void abandon();

  /** The target's handle; once the session is admitted. */
  int tsih();

  /** Once the session is open. */
  int expCmdSn();

  /** Once the session is open. */
  int maxCmdSn();

  /** Target and portal group, for the log. */
  String describeTarget();
}
