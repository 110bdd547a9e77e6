// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

/**
 * Hears of each step that changes what a crash would leave behind, after the step and before the
 * next one, on the thread that takes it. A server runs with {@link #UNWATCHED}; a test takes a copy
 * of the folder at each step, and shows that a server starts well on every one of them.
 */
@FunctionalInterface
public interface DurableSteps {
  /** Nobody listens. */
  DurableSteps UNWATCHED = step -> {};

  /**
   * A step was taken.
   *
   * @param step what, such as {@code state.json.new written}
   */
  void taken(String step);
}
