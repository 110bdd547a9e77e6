// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Comparator;
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
    super(inOrder(problems).stream().map(Problem::toString).collect(Collectors.joining("\n")));
    this.problems = inOrder(problems);
  }

  private static List<Problem> inOrder(List<Problem> problems) {
    return problems.stream()
        .distinct()
        .sorted(Comparator.comparing(Problem::file).thenComparingInt(Problem::line))
        .toList();
  }

  /** What is wrong, sorted by file and line. {@link #getMessage} has one line for each. */
  public List<Problem> problems() {
    return problems;
  }
}
