// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Dispatches each PDU that a session receives. On the connection's event loop. */
final class Incoming implements RawConnection.Receiver {
  private final Session session;

  Incoming(Session session) {
    this.session = session;
  }

  @Override
  public ByteBuffer destination(Pdu pdu, int length) throws IscsiException {
    return pdu.opcode() == Opcode.DATA_IN
        ? task(pdu).destination(pdu, length)
        : ByteBuffer.allocate(length);
  }

  @Override
  public void received(Pdu pdu) throws IscsiException {
    session.window(pdu);
    switch (pdu.opcode()) {
      case Opcode.DATA_IN -> {
        if ((pdu.flags() & 1) != 0) {
          session.statSn(pdu);
        }
        task(pdu).dataIn(pdu);
      }
      case Opcode.SCSI_RESPONSE -> {
        session.statSn(pdu);
        task(pdu).responded(pdu);
      }
      case Opcode.READY_TO_TRANSFER -> task(pdu).readyToTransfer(pdu);
      case Opcode.NOP_IN -> nopIn(pdu);
      case Opcode.TEXT_RESPONSE -> answer(pdu, Opcode.TEXT_REQUEST);
      case Opcode.TASK_MANAGEMENT_RESPONSE -> answer(pdu, Opcode.TASK_MANAGEMENT_REQUEST);
      case Opcode.LOGOUT_RESPONSE -> answer(pdu, Opcode.LOGOUT_REQUEST);
      case Opcode.ASYNC_MESSAGE -> {
        session.statSn(pdu);
        asyncMessage(pdu);
      }
      case Opcode.REJECT -> {
        session.statSn(pdu);
        session.rejected(pdu);
      }
      default -> throw new IscsiException("not a PDU for this phase: " + pdu);
    }
  }

  private PendingCommand task(Pdu pdu) throws IscsiException {
    PendingCommand command = session.command(pdu.taskTag());
    if (command == null) {
      throw new IscsiException("for a task that is not there: " + pdu);
    }
    return command;
  }

  private void answer(Pdu pdu, int requestOpcode) throws IscsiException {
    session.statSn(pdu);
    session.answered(pdu, requestOpcode);
  }

  private void nopIn(Pdu pdu) throws IscsiException {
    if (pdu.taskTag() != Pdu.NO_TAG) {
      answer(pdu, Opcode.NOP_OUT);
    } else if (pdu.transferTag() != Pdu.NO_TAG) {
      session.pinged(pdu);
    }
  }

  private void asyncMessage(Pdu pdu) {
    byte[] data = pdu.dataBytes();
    Sense sense = null;
    if (pdu.u8(36) == 0 && data.length >= 2) {
      int length = ((data[0] & 0xff) << 8) | (data[1] & 0xff);
      sense = Sense.parse(Arrays.copyOfRange(data, 2, Math.min(data.length, 2 + length)));
    }
    session.listener().asyncMessage(session, pdu.u8(36), pdu, sense);
  }

  @Override
  public void readComplete() {
    session.readComplete();
  }

  @Override
  public void closed(IscsiException cause) {
    session.closed(cause);
  }
}
