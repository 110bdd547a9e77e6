// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import org.anabranch.block.count.Counter;

/** What a device of an NBD export counts beside its requests. */
public enum NbdCounter implements Counter {
  CONNECTIONS("Connections to the NBD server, the first one included"),
  REPEATED_WRITES("Writes that were made again on a new connection, since they were not flushed"),
  ERRORS("Requests that failed");

  private final String words;

  NbdCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "nbd";
  }
}
