// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that is refused: everything that is wrong with it, in the file's order. */
public final class InvalidConfigurationException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  /**
   * @param problems at least one
   */
  public InvalidConfigurationException(List<Problem> problems) {
    super(
        Problem.inOrder(problems).stream()
            .map(Problem::toString)
            .collect(Collectors.joining("\n")));
    this.problems = Problem.inOrder(problems);
  }

  /** What is wrong, sorted by file and line. {@link #getMessage} has one line for each. */
  public List<Problem> problems() {
    return problems;
  }
}
