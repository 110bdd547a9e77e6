// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/** Hashes for CHAP, by the names that open-iscsi gives them. */
public enum ChapDigest {
  MD5("MD5"),
  SHA1("SHA1"),
  SHA256("SHA256"),
  SHA3_256("SHA3-256");

  private final String text;

  ChapDigest(String text) {
    this.text = text;
  }

  /** What the file calls it. */
  public String text() {
    return text;
  }
}
