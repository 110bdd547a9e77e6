// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

/** What a snapshot can be named. */
public final class SnapshotName {
  private SnapshotName() {}

  /** Refuses what can't be a snapshot's name. */
  public static void check(String name) throws RefusedException {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")) {
      throw new RefusedException(
          "not a snapshot's name: \""
              + name
              + "\"; allowed are 1 to 64 letters, digits, '.', '_', '+' and '-', the first one a"
              + " letter or digit");
    }
  }
}
