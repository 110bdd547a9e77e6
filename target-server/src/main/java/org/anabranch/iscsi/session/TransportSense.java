// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

/**
 * Sense data of the conditions that iSCSI itself finds (RFC 7143 11.4.7.2): ABORTED COMMAND, fixed
 * format.
 */
final class TransportSense {
  static final byte[] UNEXPECTED_UNSOLICITED_DATA = abortedCommand(0x0c, 0x0c);
  static final byte[] INCORRECT_AMOUNT_OF_DATA = abortedCommand(0x0c, 0x0d);

  /** Also for a lost or misplaced Data-Out PDU at error recovery level 0. */
  static final byte[] PROTOCOL_SERVICE_CRC_ERROR = abortedCommand(0x47, 0x05);

  /** More data than the server has memory for. */
  static final byte[] INSUFFICIENT_RESOURCES = abortedCommand(0x55, 0x03);

  private TransportSense() {}

  private static byte[] abortedCommand(int code, int qualifier) {
    byte[] sense = new byte[18];
    sense[0] = 0x70;
    sense[2] = 0x0b;
    sense[7] = 10;
    sense[12] = (byte) code;
    sense[13] = (byte) qualifier;
    return sense;
  }
}
