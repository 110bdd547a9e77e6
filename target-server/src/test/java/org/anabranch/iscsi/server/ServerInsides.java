// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import org.anabranch.iscsi.session.Sessions;
import org.anabranch.iscsi.shares.DataMemory;

/** What a server holds, for tests that look for what is left behind. */
public final class ServerInsides {
  private ServerInsides() {}

  public static Sessions sessions(IscsiServer server) {
    return server.sessions();
  }

  public static DataMemory placeMemory(IscsiServer server) {
    return server.terms().placeMemory();
  }

  public static DataMemory memory(IscsiServer server) {
    return server.terms().memory();
  }
}
