// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.session.SessionEvents;
import org.anabranch.iscsi.session.Sessions;
import org.anabranch.iscsi.shares.DataMemory;

/** What a server holds, for tests that look for what is left behind. */
public final class ServerInsides {
  private ServerInsides() {}

  /** A server that listens nowhere: the test brings its connections ({@link #accept}). */
  public static IscsiServer over(EventLoopGroup loops, IscsiLimits limits) {
    return new IscsiServer(limits, SessionEvents.IGNORED, loops);
  }

  /** On the channel's event loop, before anything is read from it. */
  public static void accept(IscsiServer server, Portal portal, Channel channel) {
    server.accept(portal, channel);
  }

  /** How many connections are open. */
  public static int connections(IscsiServer server) {
    return server.connections().all().size();
  }

  /** What waits for peers to read it. */
  public static long unsent(IscsiServer server) {
    return server.terms().unsent().bytes();
  }

  public static Sessions sessions(IscsiServer server) {
    return server.sessions();
  }

  /** Bytes that are reserved for places of command windows. */
  public static long heldForPlaces(IscsiServer server) {
    DataMemory first = server.terms().firstPlaceMemory();
    DataMemory more = server.terms().placeMemory();
    return first.capacity() - first.free() + more.capacity() - more.free();
  }

  public static DataMemory placeMemory(IscsiServer server) {
    return server.terms().placeMemory();
  }

  public static DataMemory memory(IscsiServer server) {
    return server.terms().memory();
  }
}
