// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.shares.AddressBlock;
import org.anabranch.iscsi.shares.SharedPlaces;
import org.anabranch.iscsi.wire.Connection;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of a server, and which of them have a place before login.
 *
 * <pre>
 *   too many connections in all           a new one is refused, unless one before login can go
 *   too many from one address             a new one from there is refused
 *   too many that have not logged in      one of them is closed, see {@link SharedPlaces}: of the
 *                                         address that has the most, first one that was refused,
 *                                         then the oldest that has sent no login request
 * </pre>
 *
 * Any thread.
 */
final class OpenConnections {
  @GuardedBy("this")
  private final Map<Connection, AddressBlock> open = new HashMap<>();

  @GuardedBy("this")
  private final Map<AddressBlock, Integer> byAddress = new HashMap<>();

  @GuardedBy("this")
  private final SharedPlaces<Connection> beforeLogin = new SharedPlaces<>();

  /** Why no more connection is accepted from an address; null if one is. */
  synchronized @Nullable String refusal(AddressBlock from, IscsiLimits limits) {
    if (byAddress.getOrDefault(from, 0) >= limits.connectionsPerAddress()) {
      return "limit of " + limits.connectionsPerAddress() + " from one address";
    }
    return open.size() >= limits.connections() && beforeLogin.size() == 0
        ? "limit of " + limits.connections()
        : null;
  }

  /**
   * A connection was accepted, and has not logged in.
   *
   * @return the connection that has to close for it; null if there is none
   */
  synchronized @Nullable Connection opened(
      Connection connection, AddressBlock from, IscsiLimits limits) {
    open.put(connection, from);
    byAddress.merge(from, 1, Integer::sum);
    int room = limits.connections() - (open.size() - 1 - beforeLogin.size());
    Connection displaced =
        beforeLogin.enter(
            connection, from, Math.max(1, Math.min(limits.connectionsBeforeLogin(), room)));
    if (displaced != null) {
      forget(displaced);
    }
    return displaced;
  }

  /**
   * A connection has sent a login request that makes sense. If it has lost its place and is not
   * closed yet, it gets one again.
   *
   * @return the connection that has to close for that; null if there is none
   */
  synchronized @Nullable Connection progressed(
      Connection connection, AddressBlock from, IscsiLimits limits) {
    Connection displaced = open.containsKey(connection) ? null : opened(connection, from, limits);
    beforeLogin.standing(connection, SharedPlaces.Standing.ACTIVE);
    return displaced;
  }

  /** A connection was refused, and closes soon. */
  synchronized void refused(Connection connection) {
    beforeLogin.standing(connection, SharedPlaces.Standing.ENDING);
  }

  /** A connection has logged in. */
  synchronized void loggedIn(Connection connection) {
    beforeLogin.leave(connection);
  }

  /** Whether a connection is counted: it has not lost its place. */
  synchronized boolean contains(Connection connection) {
    return open.containsKey(connection);
  }

  /** A connection is closed. */
  synchronized void closed(Connection connection) {
    beforeLogin.leave(connection);
    forget(connection);
  }

  @GuardedBy("this")
  private void forget(Connection connection) {
    AddressBlock from = open.remove(connection);
    if (from != null) {
      byAddress.computeIfPresent(from, (key, count) -> count == 1 ? null : count - 1);
    }
  }

  synchronized List<Connection> all() {
    return List.copyOf(open.keySet());
  }
}
