// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import org.anabranch.block.count.Counter;

/** What the connections of a server count, all together. */
public enum ConnectionCounter implements Counter {
  ACCEPTED("Connections accepted"),
  REFUSED("Connections closed at their first byte because of a limit"),
  DISPLACED("Connections closed before login because others needed their place"),
  DROPPED("Connections dropped for a fault of the peer, of the line or of the server"),
  HEADER_DIGEST_ERRORS("PDUs with a wrong header digest"),
  DATA_DIGEST_ERRORS("PDUs with a wrong data digest"),
  REJECTS("Reject PDUs sent");

  private final String words;

  ConnectionCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "connection";
  }
}
