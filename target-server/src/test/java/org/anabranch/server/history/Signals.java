// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;

/** Signals that Java cannot send. */
final class Signals {
  private Signals() {}

  /** SIGSTOP: no thread of the process runs until {@link #carryOn}. */
  static void stop(Process process) throws IOException, InterruptedException {
    send("STOP", process);
  }

  /** SIGCONT. */
  static void carryOn(Process process) throws IOException, InterruptedException {
    send("CONT", process);
  }

  private static void send(String signal, Process process)
      throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start();
    assertThat(kill.waitFor()).as("kill -%s", signal).isZero();
  }
}
