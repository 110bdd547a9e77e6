// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** A CHAP secret: bytes that no message, log line or debugger view shows. */
public final class Secret {
  /** RFC 7143 9.2.1: a secret of less than 96 bits must not be used. */
  public static final int MIN_BYTES = 12;

  /** CHAP itself sets no end; this one is ours. Windows takes no more than 16. */
  public static final int MAX_BYTES = 255;

  private final byte[] bytes;

  /** The secret whose bytes are {@code text} in UTF-8. */
  public Secret(String text) {
    bytes = text.getBytes(StandardCharsets.UTF_8);
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** How many bytes it has. */
  public int length() {
    return bytes.length;
  }

  /** Takes the same time wherever the two differ. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Secret secret && MessageDigest.isEqual(bytes, secret.bytes);
  }

  @Override
  public int hashCode() {
    return bytes.length;
  }

  @Override
  public String toString() {
    return "(secret)";
  }
}
