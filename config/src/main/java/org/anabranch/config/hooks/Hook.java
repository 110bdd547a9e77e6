// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.hooks;

/** When a program of the administrator runs. */
public enum Hook {
  /** Before snapshots are taken. */
  BEFORE_CREATE("before-create"),
  /** After they were taken, or were not. */
  AFTER_CREATE("after-create"),
  /** Before a volume is rolled back. */
  BEFORE_MERGE("before-merge"),
  /** Once it reads as the snapshot does, or could not be rolled back. */
  AFTER_MERGE("after-merge");

  private final String key;

  Hook(String key) {
    this.key = key;
  }

  /** Its key in the configuration. */
  public String key() {
    return key;
  }
}
