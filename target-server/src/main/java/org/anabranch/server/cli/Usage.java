// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Usage errors that picocli does not find itself. */
public final class Usage {
  private Usage() {}

  /**
   * An error that is shown with the help of the subcommand that was given, such as {@code snapshot
   * create}, and not with that of its parent.
   *
   * @param spec of the parent
   */
  public static ParameterException error(CommandSpec spec, String message) {
    CommandLine given = spec.commandLine();
    ParseResult parsed = given.getParseResult();
    while (parsed != null && parsed.hasSubcommand()) {
      parsed = parsed.subcommand();
      given = parsed.commandSpec().commandLine();
    }
    return new ParameterException(given, message);
  }
}
