// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

/**
 * What a login negotiated, with the defaults of RFC 7143 13. Lengths are bytes. Written during
 * login, only read afterwards but for {@link #maxSendDataSegmentLength}; owned by the connection's
 * event loop.
 */
final class Parameters {
  boolean headerDigest;
  boolean dataDigest;
  boolean initialR2t = true;
  boolean immediateData = true;
  int maxBurstLength = 262144;
  int firstBurstLength = 65536;
  int maxOutstandingR2t = 1;
  int time2Wait = 2;
  int time2Retain;

  /** The initiator's MaxRecvDataSegmentLength: the most that one PDU may bring it. */
  int maxSendDataSegmentLength = 8192;
}
