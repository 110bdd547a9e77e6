// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelPromise;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.iscsi.wire.PduEncoder;
import org.anabranch.iscsi.wire.Residual;
import org.anabranch.jscsi.Opcode;
import org.anabranch.scsi.api.Status;

/**
 * What the target sends for a command: R2T, Data-In and SCSI Response (RFC 7143 11.4, 11.7, 11.8).
 *
 * <p>Data-In of one PDU is the buffer that the logical unit filled, with the header put in front;
 * of several, slices of it with the headers between, gathered by the socket. Status GOOD rides on
 * the last Data-In. Owned by the session's event loop.
 */
final class Responses {
  private static final int FINAL = 0x80;
  private static final int STATUS = 0x01;

  private final Session session;
  private final Connection connection;
  private final CommandWindow window;
  private final Parameters parameters;
  private final DataMemory.Account memory;

  Responses(
      Session session, CommandWindow window, Parameters parameters, DataMemory.Account memory) {
    this.session = session;
    this.connection = session.connection();
    this.window = window;
    this.parameters = parameters;
    this.memory = memory;
  }

  ByteBuf allocate(int length) {
    return connection.channel().alloc().directBuffer(length, length);
  }

  void r2t(IscsiCommand command, Transfer.R2t burst, int r2tSn) {
    session.counters().increment(SessionCounter.R2TS);
    ByteBuf pdu = header(Opcode.R2T, FINAL, 0, command.lun(), command.tag(), burst.transferTag());
    pdu.writeInt(connection.statSn());
    numbers(pdu);
    pdu.writeInt(r2tSn).writeInt(burst.offset()).writeInt(burst.length());
    seal(pdu);
  }

  /** Answers a command that has ended. */
  void send(IscsiCommand command) {
    Status status = command.status();
    byte[] sense = command.sense();
    int length = command.dataInLength();
    long residual = command.residual();
    int pieces = 0;
    if (length > 0) {
      session.counters().add(SessionCounter.DATA_IN_BYTES, length);
      boolean collapse = status == Status.GOOD && sense.length == 0;
      pieces = dataIn(command, length, collapse, residual);
      if (collapse) {
        return;
      }
    }
    response(command, status, sense, residual, pieces + command.transfer().r2tCount());
  }

  private void response(
      IscsiCommand command, Status status, byte[] sense, long residual, int expDataSn) {
    int length = sense.length == 0 ? 0 : 2 + sense.length;
    PduEncoder encoder = connection.encoder();
    ByteBuf pdu = allocate(encoder.headerRoom() + length + encoder.trailerRoom(length));
    pdu.writeByte(Opcode.SCSI_RESPONSE.code()).writeByte(FINAL | Residual.flags(residual));
    pdu.writeByte(0).writeByte(status.code()).writeInt(0).writeLong(0);
    pdu.writeInt(command.tag()).writeInt(0).writeInt(connection.nextStatSn());
    numbers(pdu);
    pdu.writeInt(expDataSn).writeInt(0).writeInt(Residual.count(residual));
    encoder.sealHeader(pdu, 0, length);
    pdu.writerIndex(encoder.headerRoom());
    if (length > 0) {
      pdu.writeShort(sense.length).writeBytes(sense);
      encoder.sealData(pdu, encoder.headerRoom(), length, pdu);
    }
    connection.send(pdu);
  }

  /**
   * Sends data-in, in as many PDUs as the initiator's segments and bursts make of it.
   *
   * @return how many
   */
  private int dataIn(IscsiCommand command, int length, boolean collapse, long residual) {
    ByteBuf data = command.takeDataIn();
    PduEncoder encoder = connection.encoder();
    // Whole words, so that only the last piece has a pad.
    int most = parameters.maxSendDataSegmentLength() & ~3;
    int burstLength = parameters.maxBurstLength() & ~3;
    int room = encoder.headerRoom();
    int dataSn = 0;
    int burst = 0;
    for (int offset = 0; offset < length; dataSn++) {
      int piece = Math.min(Math.min(most, length - offset), burstLength - burst);
      burst += piece;
      boolean last = offset + piece == length;
      boolean endsBurst = last || burst == burstLength;
      int flags = endsBurst ? FINAL : 0;
      if (last && collapse) {
        flags |= STATUS | Residual.flags(residual);
      }
      int at = command.dataInStart() + offset;
      if (dataSn == 0) {
        data.setIndex(0, 0);
        dataInHeader(data, command, flags, piece, 0, offset, residual);
        data.writerIndex(room + piece);
        if (last) {
          encoder.sealData(data, room, piece, data);
          sendLast(data, command);
          return 1;
        }
        connection.send(data.retainedSlice(0, room + piece));
      } else {
        ByteBuf header = allocate(room);
        dataInHeader(header, command, flags, piece, dataSn, offset, residual);
        header.writerIndex(room);
        connection.send(header);
        if (last) {
          data.setIndex(at, at + piece);
          encoder.sealData(data, at, piece, data);
          sendLast(data, command);
        } else {
          connection.send(data.retainedSlice(at, piece));
        }
      }
      if (!last && encoder.hasDataDigest()) {
        ByteBuf digest = allocate(PduEncoder.MAX_TRAILER);
        encoder.sealData(data, at, piece, digest);
        connection.send(digest);
      }
      if (endsBurst) {
        burst = 0;
      }
      offset += piece;
    }
    return dataSn;
  }

  private void dataInHeader(
      ByteBuf pdu,
      IscsiCommand command,
      int flags,
      int length,
      int dataSn,
      int offset,
      long residual) {
    boolean status = (flags & STATUS) != 0;
    pdu.writeByte(Opcode.DATA_IN.code()).writeByte(flags).writeShort(0).writeInt(0);
    // Without a transfer tag of ours the LUN is reserved (11.7.4).
    pdu.writeLong(0).writeInt(command.tag()).writeInt(Pdu.NO_TAG);
    pdu.writeInt(status ? connection.nextStatSn() : 0);
    numbers(pdu);
    pdu.writeInt(dataSn).writeInt(offset).writeInt(status ? Residual.count(residual) : 0);
    connection.encoder().sealHeader(pdu, 0, length);
  }

  /** Sends the last of a data-in buffer; memory beyond the place is free when it is on its way. */
  private void sendLast(ByteBuf data, IscsiCommand command) {
    long bytes = command.claim().handOver();
    if (bytes == 0) {
      connection.send(data);
      return;
    }
    ChannelPromise sent = connection.channel().newPromise();
    sent.addListener(future -> memory.release(bytes));
    connection.send(data, sent);
  }

  private ByteBuf header(
      Opcode opcode, int flags, int third, long lun, int taskTag, int transferTag) {
    ByteBuf pdu = allocate(connection.encoder().headerRoom());
    pdu.writeByte(opcode.code()).writeByte(flags).writeByte(third).writeByte(0).writeInt(0);
    return pdu.writeLong(lun).writeInt(taskTag).writeInt(transferTag);
  }

  private void numbers(ByteBuf pdu) {
    pdu.writeInt(window.expCmdSn()).writeInt(window.maxCmdSn());
  }

  private void seal(ByteBuf pdu) {
    connection.encoder().sealHeader(pdu, 0, 0);
    pdu.writerIndex(connection.encoder().headerRoom());
    connection.send(pdu);
  }

  /** Answers a task management function (11.6). */
  void taskManagement(int taskTag, int response) {
    ByteBuf pdu = header(Opcode.TASK_MANAGEMENT_RESPONSE, FINAL, response, 0, taskTag, 0);
    pdu.writeInt(connection.nextStatSn());
    numbers(pdu);
    pdu.writeZero(12);
    seal(pdu);
    session.connection().flush();
  }
}
