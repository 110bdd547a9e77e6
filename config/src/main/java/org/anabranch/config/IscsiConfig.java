// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.time.Duration;
import java.util.List;

/**
 * How the server speaks iSCSI: what it offers and accepts in negotiation (RFC 7143 13), and its
 * patience.
 *
 * @param loginTimeout from connect to full feature phase
 * @param keepaliveInterval a connection silent for so long is asked with a NOP-In; zero: never
 * @param keepaliveTimeout one that does not answer for so long is dropped
 * @param headerDigest the digests we take, best first
 * @param dataDigest the digests we take, best first
 * @param maxRecvDataSegmentLength bytes, what we declare
 * @param maxBurstLength bytes, the most we agree to
 * @param firstBurstLength bytes, the most we agree to
 * @param maxOutstandingR2t the most we agree to
 */
public record IscsiConfig(
    Duration loginTimeout,
    Duration keepaliveInterval,
    Duration keepaliveTimeout,
    List<Digest> headerDigest,
    List<Digest> dataDigest,
    int maxRecvDataSegmentLength,
    int maxBurstLength,
    int firstBurstLength,
    int maxOutstandingR2t) {
  public IscsiConfig {
    headerDigest = List.copyOf(headerDigest);
    dataDigest = List.copyOf(dataDigest);
  }

  /** A digest by the name it has in negotiation (RFC 7143 13.1). */
  public enum Digest {
    NONE("None"),
    CRC32C("CRC32C");

    private final String key;

    Digest(String key) {
      this.key = key;
    }

    /** The name on the wire and in the file. */
    public String key() {
      return key;
    }
  }
}
