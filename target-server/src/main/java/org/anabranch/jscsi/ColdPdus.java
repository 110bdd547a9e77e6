// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.DigestException;
import org.jscsi.exception.InternetSCSIException;
import org.jscsi.parser.AbstractMessageParser;
import org.jscsi.parser.OperationCode;
import org.jscsi.parser.ProtocolDataUnit;
import org.jscsi.parser.ProtocolDataUnitFactory;
import org.jscsi.parser.TargetMessageParser;
import org.jscsi.parser.login.LoginRequestParser;
import org.jscsi.parser.login.LoginResponseParser;
import org.jscsi.parser.logout.LogoutRequestParser;
import org.jscsi.parser.logout.LogoutResponseParser;
import org.jscsi.parser.nop.NOPInParser;
import org.jscsi.parser.nop.NOPOutParser;
import org.jscsi.parser.text.TextRequestParser;
import org.jscsi.parser.text.TextResponseParser;

/**
 * Headers of the PDUs off the hot path, read and written by jSCSI's parsers. Data segments, AHS,
 * lengths and digests never pass through here: jSCSI counts AHS words as bytes and digests only the
 * header, so the frame is the caller's.
 *
 * <p>What jSCSI gets wrong within these headers is read or written here instead:
 *
 * <ul>
 *   <li>it refuses nonzero reserved fields, which a receiver ignores (RFC 7143 11.1): they are
 *       cleared before it sees them;
 *   <li>it refuses every version but 0 and so leaves no way to answer "unsupported version";
 *   <li>it extends the signs of ISID, TSIH, CID and the two times into their neighbours;
 *   <li>its asynchronous message knows no event but SCSI and refuses that for every LUN: only the
 *       event codes are its own.
 * </ul>
 *
 * Stateless; any thread.
 */
public final class ColdPdus {
  public static final int HEADER_LENGTH = 48;

  private static final String NO_DIGEST = "None";
  private static final int ISID = 8;
  private static final int TSIH = 14;
  private static final int CID = 20;
  private static final int TIMES = 40;

  private ColdPdus() {}

  /**
   * Reads a Login Request.
   *
   * @throws MalformedPduException reserved stages, T and C together, a transition that does not
   *     exist
   */
  public static LoginRequest loginRequest(ByteBuffer header) throws MalformedPduException {
    ByteBuffer copy = cleared(header, 0x7fcf0000, ISID, HEADER_LENGTH);
    int flags = header.get(header.position() + 1);
    if ((flags & 0x0c) == 0x08 || (flags & 0x83) == 0x82) {
      throw new MalformedPduException("reserved login stage");
    }
    if ((flags & 0x80) == 0) {
      copy.put(1, (byte) (copy.get(1) & ~0x03)); // NSG is reserved without T
    }
    copy.putInt(CID, header.getInt(header.position() + CID) & 0xffff0000);
    copy.putLong(24, header.getLong(header.position() + 24));
    ProtocolDataUnit pdu = parse(copy);
    LoginRequestParser parser = (LoginRequestParser) pdu.getBasicHeaderSegment().getParser();
    LoginStage current = LoginStage.of(parser.getCurrentStageNumber());
    LoginStage next = LoginStage.of(parser.getNextStageNumber());
    if (current == null || next == null || current == LoginStage.FULL_FEATURE_PHASE) {
      throw new MalformedPduException("reserved login stage");
    }
    int at = header.position();
    return new LoginRequest(
        pdu.getBasicHeaderSegment().isFinalFlag(),
        parser.isContinueFlag(),
        current,
        next,
        Byte.toUnsignedInt(header.get(at + 2)),
        Byte.toUnsignedInt(header.get(at + 3)),
        header.getLong(at + ISID) >>> 16,
        Short.toUnsignedInt(header.getShort(at + TSIH)),
        pdu.getBasicHeaderSegment().getInitiatorTaskTag(),
        Short.toUnsignedInt(header.getShort(at + CID)),
        parser.getCommandSequenceNumber(),
        parser.getExpectedStatusSequenceNumber());
  }

  public static ByteBuffer loginResponse(LoginResponse response) {
    boolean failed = response.status() != LoginStatus.SUCCESS;
    ProtocolDataUnit pdu =
        create(OperationCode.LOGIN_RESPONSE, false, response.transit(), response.taskTag());
    LoginResponseParser parser = (LoginResponseParser) pdu.getBasicHeaderSegment().getParser();
    parser.clear(); // without which its ISID has no format
    parser.setContinueFlag(response.continues());
    parser.setCurrentStageNumber(response.current().jscsi());
    parser.setNextStageNumber(
        response.transit() ? response.next().jscsi() : LoginStage.SECURITY_NEGOTIATION.jscsi());
    parser.setStatus(response.status().jscsi());
    // jSCSI wants StatSN 0 beside a failure; it is valid whatever the status (11.13.4).
    numbers(parser, failed ? 0 : response.statSn(), response.expCmdSn(), response.maxCmdSn());
    ByteBuffer header = serialize(pdu);
    header.putShort(2, (short) 0); // version max, version active
    header.putLong(ISID, response.isid() << 16 | response.tsih());
    header.putInt(24, response.statSn());
    return header;
  }

  /**
   * Reads a Text Request.
   *
   * @throws MalformedPduException F and C together
   */
  public static TextRequest textRequest(ByteBuffer header) throws MalformedPduException {
    ByteBuffer copy = cleared(header, 0x7fc00000, 32, HEADER_LENGTH);
    ProtocolDataUnit pdu = parse(copy);
    TextRequestParser parser = (TextRequestParser) pdu.getBasicHeaderSegment().getParser();
    return new TextRequest(
        pdu.getBasicHeaderSegment().isFinalFlag(),
        parser.isContinueFlag(),
        pdu.getBasicHeaderSegment().getInitiatorTaskTag(),
        parser.getTargetTransferTag());
  }

  public static ByteBuffer textResponse(
      boolean isFinal,
      boolean continues,
      int taskTag,
      int transferTag,
      int statSn,
      int expCmdSn,
      int maxCmdSn) {
    ProtocolDataUnit pdu = create(OperationCode.TEXT_RESPONSE, false, isFinal, taskTag);
    TextResponseParser parser = (TextResponseParser) pdu.getBasicHeaderSegment().getParser();
    parser.setContinueFlag(continues);
    parser.setTargetTransferTag(transferTag);
    numbers(parser, statSn, expCmdSn, maxCmdSn);
    return serialize(pdu);
  }

  public static NopOut nopOut(ByteBuffer header) throws MalformedPduException {
    ByteBuffer copy = cleared(header, 0x7f800000, 32, HEADER_LENGTH);
    ProtocolDataUnit pdu = parse(copy);
    NOPOutParser parser = (NOPOutParser) pdu.getBasicHeaderSegment().getParser();
    return new NopOut(
        parser.getLogicalUnitNumber(),
        pdu.getBasicHeaderSegment().getInitiatorTaskTag(),
        parser.getTargetTransferTag());
  }

  public static ByteBuffer nopIn(
      long lun, int taskTag, int transferTag, int statSn, int expCmdSn, int maxCmdSn) {
    ProtocolDataUnit pdu = create(OperationCode.NOP_IN, false, true, taskTag);
    NOPInParser parser = (NOPInParser) pdu.getBasicHeaderSegment().getParser();
    parser.setLogicalUnitNumber(lun);
    parser.setTargetTransferTag(transferTag);
    numbers(parser, statSn, expCmdSn, maxCmdSn);
    return serialize(pdu);
  }

  /**
   * Reads a Logout Request.
   *
   * @throws MalformedPduException a reason that does not exist
   */
  public static LogoutRequest logoutRequest(ByteBuffer header) throws MalformedPduException {
    ByteBuffer copy = cleared(header, 0x7fff0000, 8, 16);
    copy.putInt(CID, 0);
    for (int i = 32; i < HEADER_LENGTH; i += 4) {
      copy.putInt(i, 0);
    }
    int at = header.position();
    if ((header.get(at + 1) & 0x7f) > 2) {
      throw new MalformedPduException("no such logout reason");
    }
    ProtocolDataUnit pdu = parse(copy);
    LogoutRequestParser parser = (LogoutRequestParser) pdu.getBasicHeaderSegment().getParser();
    LogoutRequest.Reason reason =
        switch (parser.getReasonCode()) {
          case CLOSE_SESSION -> LogoutRequest.Reason.CLOSE_SESSION;
          case CLOSE_CONNECTION -> LogoutRequest.Reason.CLOSE_CONNECTION;
          case CONNECTION_RECOVERY -> LogoutRequest.Reason.CONNECTION_RECOVERY;
        };
    return new LogoutRequest(
        reason,
        pdu.getBasicHeaderSegment().getInitiatorTaskTag(),
        Short.toUnsignedInt(header.getShort(at + CID)));
  }

  /**
   * Writes a Logout Response.
   *
   * @param time2Wait seconds, 0 to 3600, as time2Retain
   */
  public static ByteBuffer logoutResponse(
      LogoutResponse response,
      int taskTag,
      int time2Wait,
      int time2Retain,
      int statSn,
      int expCmdSn,
      int maxCmdSn) {
    ProtocolDataUnit pdu = create(OperationCode.LOGOUT_RESPONSE, false, true, taskTag);
    LogoutResponseParser parser = (LogoutResponseParser) pdu.getBasicHeaderSegment().getParser();
    parser.setResponse(response.jscsi());
    numbers(parser, statSn, expCmdSn, maxCmdSn);
    ByteBuffer header = serialize(pdu);
    header.putInt(TIMES, time2Wait << 16 | time2Retain);
    return header;
  }

  /** What an event's parameters mean is in RFC 7143 11.9; each is 16 bits. */
  public static ByteBuffer asyncMessage(
      AsyncEvent event,
      long lun,
      int parameter1,
      int parameter2,
      int parameter3,
      int statSn,
      int expCmdSn,
      int maxCmdSn) {
    ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH);
    header.put(0, Opcode.ASYNC_MESSAGE.code()).put(1, (byte) 0x80);
    header.putLong(8, event == AsyncEvent.SCSI ? lun : 0).putInt(16, -1);
    header.putInt(24, statSn).putInt(28, expCmdSn).putInt(32, maxCmdSn);
    header.put(36, event.code());
    header.putShort(38, (short) parameter1);
    header.putShort(40, (short) parameter2);
    header.putShort(42, (short) parameter3);
    return header;
  }

  /**
   * A copy of the header with lengths cleared, bytes 0 to 3 masked by {@code firstLine} and the
   * bytes from {@code from} to {@code to} cleared.
   */
  private static ByteBuffer cleared(ByteBuffer header, int firstLine, int from, int to) {
    ByteBuffer copy = ByteBuffer.allocate(HEADER_LENGTH);
    copy.put(0, header, header.position(), HEADER_LENGTH);
    copy.putInt(0, copy.getInt(0) & firstLine);
    copy.putInt(4, 0);
    int tag = copy.getInt(16);
    for (int i = from; i < to; i++) {
      copy.put(i, (byte) 0);
    }
    copy.putInt(16, tag);
    return copy;
  }

  private static ProtocolDataUnit parse(ByteBuffer header) throws MalformedPduException {
    ProtocolDataUnit pdu = new ProtocolDataUnitFactory().create(NO_DIGEST, NO_DIGEST);
    try {
      pdu.deserialize(header);
      return pdu;
    } catch (InternetSCSIException | DigestException | IOException e) {
      throw new MalformedPduException(String.valueOf(e.getMessage()));
    }
  }

  private static ProtocolDataUnit create(
      OperationCode code, boolean immediate, boolean isFinal, int taskTag) {
    ProtocolDataUnit pdu =
        new ProtocolDataUnitFactory().create(immediate, isFinal, code, NO_DIGEST, NO_DIGEST);
    pdu.getBasicHeaderSegment().setInitiatorTaskTag(taskTag);
    return pdu;
  }

  private static void numbers(
      AbstractMessageParser parser, int statSn, int expCmdSn, int maxCmdSn) {
    TargetMessageParser numbered = (TargetMessageParser) parser;
    numbered.setStatusSequenceNumber(statSn);
    numbered.setExpectedCommandSequenceNumber(expCmdSn);
    numbered.setMaximumCommandSequenceNumber(maxCmdSn);
  }

  private static ByteBuffer serialize(ProtocolDataUnit pdu) {
    try {
      return pdu.serialize();
    } catch (InternetSCSIException | IOException e) {
      throw new IllegalStateException("jSCSI refuses its own header", e);
    }
  }
}
