// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

/** The digests of a connection (RFC 7143 13.1), the same both ways. */
public record Digests(Digest header, Digest data) {
  /** What protects a header or a data segment. */
  public enum Digest {
    NONE,
    CRC32C
  }

  /** As a connection begins. */
  public static final Digests NONE = new Digests(Digest.NONE, Digest.NONE);

  public boolean coverHeaders() {
    return header == Digest.CRC32C;
  }

  public boolean coverData() {
    return data == Digest.CRC32C;
  }
}
