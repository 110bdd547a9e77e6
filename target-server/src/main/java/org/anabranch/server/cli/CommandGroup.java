// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that only has subcommands, such as {@code anabranch snapshot}. */
public abstract class CommandGroup implements Runnable {
  @Spec protected CommandSpec spec;

  @Override
  public void run() {
    throw Usage.error(spec, "a command is missing");
  }
}
