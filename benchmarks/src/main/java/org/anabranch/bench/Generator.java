// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;

/** Puts load on a server's LUNs, starting with the first one. One run at a time. */
interface Generator {
  /**
   * Runs for some seconds.
   *
   * @throws IOException if the server or the generator failed
   */
  Measurement run(ServerProcess server) throws IOException, InterruptedException;
}
