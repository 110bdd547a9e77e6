// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

/**
 * Whether this process may use storage that several servers can reach, and that one of them may use
 * at a time.
 *
 * <pre>
 *   Standby  --the storage is free, or an operator says so-->  Active
 *   Active   --another server has shut this one out-->         Fenced  --its client is gone-->  Standby
 * </pre>
 */
public sealed interface Tenure {
  /** This process reads and writes, and nobody else does. */
  Tenure ACTIVE = new Active();

  /** The state in one word: {@code active}, {@code standby} or {@code fenced}. */
  String word();

  /** This process has the storage. */
  record Active() implements Tenure {
    @Override
    public String word() {
      return "active";
    }
  }

  /**
   * Another server has the storage. Every request fails with {@link IoError.Kind#ELSEWHERE}.
   *
   * @param reason why this process does not have it, in one line
   */
  record Standby(String reason) implements Tenure {
    @Override
    public String word() {
      return "standby";
    }
  }

  /**
   * This process had the storage, and the storage accepts nothing from it any more. What it had not
   * written yet fails and is never written later.
   *
   * @param reason how that was noticed, in one line
   */
  record Fenced(String reason) implements Tenure {
    @Override
    public String word() {
      return "fenced";
    }
  }
}
