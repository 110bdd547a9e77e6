// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.hooks;

import java.util.List;

/**
 * A program with its arguments.
 *
 * @param arguments the program, which is an absolute path or a name that is looked up in PATH, and
 *     its arguments; with {@code shell} one text
 * @param shell whether {@code /bin/sh -c} runs it
 */
public record HookCommand(List<String> arguments, boolean shell) {
  public HookCommand {
    arguments = List.copyOf(arguments);
  }

  /** What is executed. */
  public List<String> argumentVector() {
    return shell ? List.of("/bin/sh", "-c", arguments.getFirst()) : arguments;
  }
}
