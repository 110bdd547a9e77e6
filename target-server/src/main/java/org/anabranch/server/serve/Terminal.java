// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.FileInputStream;
import java.io.IOException;

/**
 * The terminal that a server runs in. SIGHUP has two meanings: the terminal was closed, or somebody
 * wants the configuration to be read again. They differ in this: a process whose terminal was
 * closed has none from then on, and cannot open {@code /dev/tty} (tty(4)).
 */
final class Terminal {
  private static final String CONTROLLING = "/dev/tty";

  /** Whether the end of the terminal is the end of the server. */
  private final boolean matters;

  private Terminal(boolean matters) {
    this.matters = matters;
  }

  /**
   * That of this process; call it before SIGHUP is handled. A service has none. One that was
   * started with nohup, which ignores SIGHUP, outlives its terminal.
   */
  static Terminal ofThisProcess() {
    return new Terminal(isOpen() && !Signals.ignored(Signals.SIGHUP));
  }

  /** Whether there was a terminal, and it was closed. */
  boolean hasClosed() {
    return matters && !isOpen();
  }

  private static boolean isOpen() {
    try (FileInputStream _ = new FileInputStream(CONTROLLING)) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
