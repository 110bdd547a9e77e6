// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;

/** Loads a server's LUNs from the first one on. One run at a time. */
interface Generator {
  /**
   * Runs for some seconds.
   *
   * @throws IOException the server or the generator failed
   */
  Measurement run(ServerProcess server) throws IOException, InterruptedException;
}
