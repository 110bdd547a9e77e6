// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import org.anabranch.server.base.RefusedException;

/** Stored data is missing, damaged or replaced, and the administrator must put it right. */
public final class NotWholeException extends RefusedException {
  private static final long serialVersionUID = 1L;

  private final String text;
  private final String remedy;

  /**
   * @param subject such as {@code volume vm1}
   * @param text what is wrong, without the subject
   * @param remedy what to do, with the command where there is one
   */
  public NotWholeException(String subject, String text, String remedy) {
    super(subject + ": " + text + "; " + remedy);
    this.text = text;
    this.remedy = remedy;
  }

  /** The same with a cause. */
  public NotWholeException(String subject, String text, String remedy, Throwable cause) {
    super(subject + ": " + text + "; " + remedy, cause);
    this.text = text;
    this.remedy = remedy;
  }

  /** What is wrong, without the subject. */
  public String text() {
    return text;
  }

  /** What to do. */
  public String remedy() {
    return remedy;
  }
}
