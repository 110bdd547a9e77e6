// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.iscsi.wire.Digests;

/**
 * What a login negotiated, with the defaults of RFC 7143 13. Lengths are bytes. Written during
 * login, only read afterwards but for {@link #maxSendDataSegmentLength}; owned by the connection's
 * event loop.
 */
public final class Parameters {
  Digests.Digest headerDigest = Digests.Digest.NONE;
  Digests.Digest dataDigest = Digests.Digest.NONE;
  boolean initialR2t = true;
  boolean immediateData = true;
  int maxBurstLength = 262144;
  int firstBurstLength = 65536;
  int maxOutstandingR2t = 1;
  int time2Wait = 2;
  int time2Retain;

  int maxSendDataSegmentLength = 8192;

  Parameters() {}

  public Digests digests() {
    return new Digests(headerDigest, dataDigest);
  }

  public boolean initialR2t() {
    return initialR2t;
  }

  public boolean immediateData() {
    return immediateData;
  }

  public int maxBurstLength() {
    return maxBurstLength;
  }

  public int firstBurstLength() {
    return firstBurstLength;
  }

  public int maxOutstandingR2t() {
    return maxOutstandingR2t;
  }

  public int time2Wait() {
    return time2Wait;
  }

  public int time2Retain() {
    return time2Retain;
  }

  /** The initiator's MaxRecvDataSegmentLength: the most that one PDU may bring it. */
  public int maxSendDataSegmentLength() {
    return maxSendDataSegmentLength;
  }
}
