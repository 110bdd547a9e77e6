// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.time.Duration;

/**
 * How the server speaks iSCSI: the most it agrees to in negotiation (RFC 7143 13), and its
 * patience. Lengths are bytes.
 *
 * @param loginTimeout from connect to full feature phase
 * @param keepaliveInterval a connection silent for so long is asked with a NOP-In
 * @param keepaliveTimeout one that does not answer for so long is dropped
 * @param sendTimeout one that takes none of the answers that wait for it for so long is dropped
 * @param maxRecvDataSegmentLength what we declare
 * @param maxBurstLength the most we agree to
 * @param firstBurstLength the most we agree to; no more than {@code maxBurstLength}
 * @param maxOutstandingR2t the most we agree to
 */
public record IscsiConfig(
    Duration loginTimeout,
    Duration keepaliveInterval,
    Duration keepaliveTimeout,
    Duration sendTimeout,
    int maxRecvDataSegmentLength,
    int maxBurstLength,
    int firstBurstLength,
    int maxOutstandingR2t) {}
