// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import org.anabranch.server.base.RefusedException;

/** Whether imports are to end, since the server is stopping. Any thread. */
final class Stopping {
  private volatile boolean begun;

  /** From here on they are to end. */
  void begin() {
    begun = true;
  }

  boolean hasBegun() {
    return begun;
  }

  /** Ends what is under way. */
  void refuse() throws RefusedException {
    if (begun) {
      throw new RefusedException("the server is stopping");
    }
  }
}
