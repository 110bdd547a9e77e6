// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

/**
 * Something that no order of the operations explains.
 *
 * @param event of the log, from 1 on
 * @param text what was found where, and what could have been there
 */
public record Violation(long event, String text) {
  @Override
  public String toString() {
    return "event " + event + ": " + text;
  }
}
