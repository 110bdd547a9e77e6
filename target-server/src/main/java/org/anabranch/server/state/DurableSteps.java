// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

/**
 * Is notified of each step that changes what a crash would leave behind, after the step and before
 * the next one, on the thread that takes it; and of each sync, so that a test knows what a power
 * cut may still undo. A server runs with {@link #UNWATCHED}; a test takes a copy of the folder at
 * each step, and shows that a server starts well on every one of them.
 */
@FunctionalInterface
public interface DurableSteps {
  /** Ignores all steps. */
  DurableSteps UNWATCHED = step -> {};

  /**
   * A step was taken.
   *
   * @param step what, such as {@code state.json.new written}, or {@code state.json.new synced}; the
   *     name of a folder in place of the file's: names in it are durable
   */
  void taken(String step);
}
