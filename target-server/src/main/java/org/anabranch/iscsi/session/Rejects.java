// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.nio.ByteBuffer;
import org.anabranch.iscsi.wire.ConnectionCounter;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.jscsi.Opcode;

/** Sends Reject PDUs (RFC 7143 11.17). Owned by the session's event loop. */
final class Rejects {
  static final int DATA_DIGEST_ERROR = 0x02;
  static final int SNACK_REJECT = 0x03;
  static final int PROTOCOL_ERROR = 0x04;
  static final int COMMAND_NOT_SUPPORTED = 0x05;
  static final int TOO_MANY_IMMEDIATE_COMMANDS = 0x06;
  static final int TASK_IN_PROGRESS = 0x07;
  static final int INVALID_PDU_FIELD = 0x09;

  private final Session session;

  Rejects(Session session) {
    this.session = session;
  }

  /** Rejects a PDU for a reason (11.17.1), with the header that was wrong. */
  void send(Pdu pdu, int reason) {
    session.counters().increment(SessionCounter.REJECTS);
    session.connection().counters().increment(ConnectionCounter.REJECTS);
    ByteBuffer header = ByteBuffer.allocate(Pdu.BASIC_HEADER);
    header.put(0, Opcode.REJECT.code()).put(1, (byte) 0x80).put(2, (byte) reason);
    header.putInt(16, Pdu.NO_TAG);
    header.putInt(24, session.connection().nextStatSn());
    header.putInt(28, session.expCmdSn());
    header.putInt(32, session.maxCmdSn());
    byte[] rejected = new byte[Pdu.BASIC_HEADER];
    pdu.header().getBytes(0, rejected);
    session.connection().send(header, rejected);
  }
}
