// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A command in flight: sends its data in bursts as negotiated and as the target requests, receives
 * data in order, and ends with the status.
 *
 * <pre>
 *   immediate data -> unsolicited Data-Out up to FirstBurstLength -> one burst for each R2T
 *   Data-In ... Data-In with status, or Data-In ... then SCSI Response
 * </pre>
 *
 * Everything except {@link #response()} and {@link #command()} belongs to the session's event loop.
 */
public final class PendingCommand implements Session.Numbered {
  private final Session session;
  private final Command command;
  private final CompletableFuture<Response> response = new CompletableFuture<>();
  private int tag = Pdu.NO_TAG;
  private int cmdSn;
  private int received;
  private int dataInSn;
  private int r2tSn;

  PendingCommand(Session session, Command command) {
    this.session = session;
    this.command = command;
  }

  public Command command() {
    return command;
  }

  /**
   * Completes on the session's event loop: with the response, whatever its status; with an {@link
   * IscsiException} if the connection was lost or the PDU rejected; or with a {@link
   * TaskAbortedException} if task management ended the command.
   */
  public CompletableFuture<Response> response() {
    return response;
  }

  /** Initiator task tag; {@link Pdu#NO_TAG} until it is sent. */
  int tag() {
    return tag;
  }

  int cmdSn() {
    return cmdSn;
  }

  private int expectedLength() {
    ByteBuffer out = command.out();
    ByteBuffer in = command.in();
    return out != null ? out.remaining() : in != null ? in.remaining() : 0;
  }

  /** Sends the command with its immediate and unsolicited data. */
  @Override
  public void send(int newCmdSn) {
    tag = session.register(this);
    cmdSn = newCmdSn;
    Parameters agreed = session.parameters();
    ByteBuffer out = command.out();
    int total = expectedLength();
    int flags = command.attribute() | Requests.FINAL;
    int immediate = 0;
    int unsolicited = 0;
    if (out != null && total > 0) {
      flags |= Requests.WRITE;
      int first = Math.min(total, agreed.firstBurst());
      immediate = agreed.immediateData() ? Math.min(first, agreed.maxSendDataSegment()) : 0;
      unsolicited = agreed.initialR2t() ? 0 : first - immediate;
      if (unsolicited > 0) {
        flags &= ~Requests.FINAL;
      }
    } else if (total > 0) {
      flags |= Requests.READ;
    }
    Pdu pdu =
        Requests.command(command.lun(), tag, command.cdb(), flags & ~7, total)
            .flags(flags)
            .cmdSn(cmdSn);
    if (out != null && immediate > 0) {
      pdu.data(out.slice(out.position(), immediate));
    }
    session.write(pdu);
    if (unsolicited > 0) {
      burst(Pdu.NO_TAG, immediate, unsolicited);
    }
  }

  /** One sequence of Data-Out PDUs. */
  private void burst(int transferTag, int offset, int length) {
    ByteBuffer out = java.util.Objects.requireNonNull(command.out());
    int end = offset + length;
    int segment = session.parameters().maxSendDataSegment();
    int dataSn = 0;
    for (int at = offset; at < end; at += segment) {
      int count = Math.min(segment, end - at);
      session.write(
          Requests.dataOut(command.lun(), tag, transferTag, dataSn++, at, at + count == end)
              .data(out.slice(out.position() + at, count)));
    }
  }

  void readyToTransfer(Pdu r2t) throws IscsiException {
    int offset = r2t.bufferOffset();
    int length = r2t.i32(44);
    ByteBuffer out = command.out();
    if (r2t.dataSn() != r2tSn++) {
      throw new IscsiException("R2TSN out of order: " + r2t);
    }
    if (out == null
        || offset < 0
        || length <= 0
        || length > session.parameters().maxBurst()
        || length > expectedLength() - offset) {
      throw new IscsiException("R2T beyond the data or the burst: " + r2t);
    }
    burst(r2t.transferTag(), offset, length);
  }

  /** The buffer for the data of a Data-In. */
  ByteBuffer destination(Pdu dataIn, int length) throws IscsiException {
    ByteBuffer in = command.in();
    if (in == null || dataIn.bufferOffset() != received || length > expectedLength() - received) {
      throw new IscsiException("Data-In out of order or beyond what was expected: " + dataIn);
    }
    return in.slice(in.position() + received, length);
  }

  /** Processes a Data-In; with S = 1 it ends the command (phase collapse). */
  void dataIn(Pdu pdu) throws IscsiException {
    if (pdu.dataSn() != dataInSn++) {
      throw new IscsiException("DataSN out of order: " + pdu);
    }
    received += pdu.dataSegmentLength();
    if ((pdu.flags() & 1) != 0) {
      end(pdu.u8(3), 0, null, pdu.flags(), pdu.i32(44));
    }
  }

  /** SCSI Response. */
  void responded(Pdu pdu) throws IscsiException {
    int expDataSn = pdu.i32(36);
    if (session.options().expDataSnChecked() && pdu.u8(2) == 0 && expDataSn != dataInSn + r2tSn) {
      throw new IscsiException(
          "ExpDataSN " + expDataSn + " but " + dataInSn + " Data-In and " + r2tSn + " R2T came");
    }
    byte[] data = pdu.dataBytes();
    byte[] sense = null;
    if (data.length >= 2) {
      int length = ((data[0] & 0xff) << 8) | (data[1] & 0xff);
      if (length > data.length - 2) {
        throw new IscsiException("SenseLength beyond the data segment: " + pdu);
      }
      sense = Arrays.copyOfRange(data, 2, 2 + length);
    }
    end(pdu.u8(3), pdu.u8(2), sense, pdu.flags(), pdu.i32(44));
  }

  private void end(int status, int code, byte @Nullable [] sense, int flags, int residual) {
    ByteBuffer in = command.in();
    ByteBuffer data =
        in == null ? ByteBuffer.allocate(0) : in.slice(in.position(), received).order(in.order());
    Sense parsed = sense == null ? null : Sense.parse(sense);
    session.ended(this);
    if (parsed != null && parsed.key() == Sense.UNIT_ATTENTION && status == 2) {
      session.listener().unitAttention(session, command.lun(), parsed);
    }
    response.complete(
        new Response(
            status,
            code,
            parsed,
            data,
            (flags & 2) != 0 ? residual : 0,
            (flags & 4) != 0 ? residual : 0));
  }

  @Override
  public void failed(Exception cause) {
    response.completeExceptionally(cause);
  }
}
