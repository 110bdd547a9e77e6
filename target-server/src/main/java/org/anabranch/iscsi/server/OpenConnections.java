// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.shares.AddressBlock;
import org.anabranch.iscsi.shares.SharedPlaces;
import org.anabranch.iscsi.wire.Connection;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of a server, and which of them have a place.
 *
 * <pre>
 *   too many that have sent nothing       one of them is closed, see {@link SharedPlaces}: of the
 *                                         address that has the most, the oldest
 *   one sends its first byte, and         it is closed, unless one before login can go
 *     there are too many in all
 *     there are too many from its address it is closed
 *     too many have not logged in         one of them is closed: of the address that has the most,
 *                                         first one that was refused, then the oldest that has
 *                                         sent no login request
 * </pre>
 *
 * <p>So connections that say nothing cost a descriptor each, and compete with each other only. To
 * close them at once would cost more: who wants to keep others out connects again.
 *
 * <p>Any thread.
 */
final class OpenConnections {
  /** Those that have sent nothing yet. */
  @GuardedBy("this")
  private final SharedPlaces<Connection> silent = new SharedPlaces<>();

  /** All others. */
  @GuardedBy("this")
  private final Map<Connection, AddressBlock> open = new HashMap<>();

  /** How many of {@link #open} each address has. */
  @GuardedBy("this")
  private final Map<AddressBlock, Integer> byAddress = new HashMap<>();

  /** Those of {@link #open} that have not logged in. */
  @GuardedBy("this")
  private final SharedPlaces<Connection> beforeLogin = new SharedPlaces<>();

  /**
   * A connection was accepted.
   *
   * @return the connection that has to close for it; null if there is none
   */
  synchronized @Nullable Connection opened(
      Connection connection, AddressBlock from, IscsiLimits limits) {
    return silent.enter(connection, from, limits.silentConnections());
  }

  /**
   * What became of a connection that wants a place.
   *
   * @param refusal why it has to close; null if it has a place
   * @param displaced the connection that has to close for it; null if there is none
   */
  record Place(@Nullable String refusal, @Nullable Connection displaced) {}

  /** A connection has sent its first byte. */
  synchronized Place spoke(Connection connection, AddressBlock from, IscsiLimits limits) {
    silent.leave(connection);
    String refusal = refusal(from, limits);
    return new Place(refusal, refusal == null ? enter(connection, from, limits) : null);
  }

  @GuardedBy("this")
  private @Nullable String refusal(AddressBlock from, IscsiLimits limits) {
    if (byAddress.getOrDefault(from, 0) >= limits.connectionsPerAddress()) {
      return "limit of " + limits.connectionsPerAddress() + " from one address";
    }
    return open.size() >= limits.connections() && beforeLogin.size() == 0
        ? "limit of " + limits.connections()
        : null;
  }

  /** Returns the connection that has to close for this one; null if there is none. */
  @GuardedBy("this")
  private @Nullable Connection enter(Connection connection, AddressBlock from, IscsiLimits limits) {
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
    Connection displaced = open.containsKey(connection) ? null : enter(connection, from, limits);
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

  /** Whether a connection that has sent something has not lost its place. */
  synchronized boolean contains(Connection connection) {
    return open.containsKey(connection);
  }

  /** A connection is closed. */
  synchronized void closed(Connection connection) {
    silent.leave(connection);
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
    List<Connection> all = new ArrayList<>(silent.all());
    all.addAll(open.keySet());
    return all;
  }
}
