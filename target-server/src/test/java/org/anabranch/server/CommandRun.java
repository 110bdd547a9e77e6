// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * A command that ran in this process, with the command line that {@link Main#main} has. A Java
 * virtual machine for each command would be most of what the tests take. What signals, pipes, the
 * environment or the working directory do to a command needs a {@link ServerProcess}; that each
 * command works from the launcher is what {@link LauncherVerbsTest} shows.
 *
 * @param status the exit status
 * @param output standard output
 * @param errors standard error
 */
record CommandRun(int status, String output, String errors) {
  static CommandRun of(String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine(words)
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(words);
    return new CommandRun(status, out.toString(), err.toString());
  }

  /** Fails unless the exit status is this. */
  CommandRun expect(int wanted) {
    assertThat(status).as(all()).isEqualTo(wanted);
    return this;
  }

  /** Standard output and then standard error. */
  String all() {
    return output + errors;
  }
}
