// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

/**
 * A state in which a user's data or service is worse than he may think. {@code status} shows it for
 * as long as it lasts, and the log has it once each time that it begins.
 *
 * @param subject what it is about, such as {@code snapshot vm1@before} or {@code volume vm1}
 * @param text what is wrong, one sentence without a full stop; it does not repeat the subject
 * @param remedy what to do about it, one sentence without a full stop, with the command where there
 *     is one
 */
public record Warning(String subject, String text, String remedy) {
  /** One line for people. */
  @Override
  public String toString() {
    return subject + ": " + text + "; " + remedy;
  }
}
