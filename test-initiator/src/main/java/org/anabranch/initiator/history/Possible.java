// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

/**
 * A value that a block may have held, and when: it cannot have been there before {@code from} nor
 * after {@code until}, times of the history's clock.
 */
record Possible(long value, long from, long until) {
  /** The same value twice: there at any time at which one of them can have been there. */
  Possible or(Possible other) {
    return new Possible(value, Math.min(from, other.from), Math.max(until, other.until));
  }
}
