// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import java.nio.ByteBuffer;
import org.jscsi.parser.ProtocolDataUnit;
import org.jscsi.parser.ProtocolDataUnitFactory;
import org.jscsi.parser.data.DataInParser;
import org.jscsi.parser.data.DataOutParser;
import org.jscsi.parser.r2t.Ready2TransferParser;
import org.jscsi.parser.scsi.SCSICommandParser;
import org.jscsi.parser.scsi.SCSIResponseParser;

/**
 * What jSCSI reads in the headers of the hot path, in words that a test can compare. A header must
 * have no data segment: its lengths are set to 0 first.
 */
public final class JscsiOracle {
  private JscsiOracle() {}

  private static ProtocolDataUnit parse(byte[] header) throws Exception {
    ByteBuffer copy = ByteBuffer.wrap(header.clone());
    copy.putInt(4, 0);
    ProtocolDataUnit pdu = new ProtocolDataUnitFactory().create("None", "None");
    pdu.deserialize(copy);
    return pdu;
  }

  /** A SCSI Command: flags, attribute, LUN, tag, expected length, numbers, CDB. */
  public static String command(byte[] header) throws Exception {
    ProtocolDataUnit pdu = parse(header);
    SCSICommandParser parser = (SCSICommandParser) pdu.getBasicHeaderSegment().getParser();
    byte[] cdb = new byte[16];
    parser.getCDB().duplicate().rewind().get(cdb);
    return String.join(
        " ",
        pdu.getBasicHeaderSegment().isImmediateFlag() ? "I" : "-",
        pdu.getBasicHeaderSegment().isFinalFlag() ? "F" : "-",
        parser.isReadExpectedFlag() ? "R" : "-",
        parser.isWriteExpectedFlag() ? "W" : "-",
        parser.getTaskAttributes().name(),
        Long.toHexString(parser.getLogicalUnitNumber()),
        Integer.toHexString(pdu.getBasicHeaderSegment().getInitiatorTaskTag()),
        Integer.toUnsignedString(parser.getExpectedDataTransferLength()),
        Integer.toHexString(parser.getCommandSequenceNumber()),
        Integer.toHexString(parser.getExpectedStatusSequenceNumber()),
        java.util.HexFormat.of().formatHex(cdb));
  }

  /** A Data-Out: F, LUN, tags, DataSN, offset. */
  public static String dataOut(byte[] header) throws Exception {
    ProtocolDataUnit pdu = parse(header);
    DataOutParser parser = (DataOutParser) pdu.getBasicHeaderSegment().getParser();
    return String.join(
        " ",
        pdu.getBasicHeaderSegment().isFinalFlag() ? "F" : "-",
        Long.toHexString(parser.getLogicalUnitNumber()),
        Integer.toHexString(pdu.getBasicHeaderSegment().getInitiatorTaskTag()),
        Integer.toHexString(parser.getTargetTransferTag()),
        Integer.toHexString(parser.getDataSequenceNumber()),
        Integer.toUnsignedString(parser.getBufferOffset()));
  }

  /** An R2T: tags, numbers, R2TSN, offset, length. */
  public static String r2t(byte[] header) throws Exception {
    ProtocolDataUnit pdu = parse(header);
    Ready2TransferParser parser = (Ready2TransferParser) pdu.getBasicHeaderSegment().getParser();
    return String.join(
        " ",
        Long.toHexString(parser.getLogicalUnitNumber()),
        Integer.toHexString(pdu.getBasicHeaderSegment().getInitiatorTaskTag()),
        Integer.toHexString(parser.getTargetTransferTag()),
        Integer.toHexString(parser.getStatusSequenceNumber()),
        Integer.toHexString(parser.getExpectedCommandSequenceNumber()),
        Integer.toHexString(parser.getMaximumCommandSequenceNumber()),
        Integer.toString(parser.getReady2TransferSequenceNumber()),
        Integer.toUnsignedString(parser.getBufferOffset()),
        Integer.toUnsignedString(parser.getDesiredDataTransferLength()));
  }

  /** A Data-In: flags, status, tags, numbers, DataSN, offset, residual. */
  public static String dataIn(byte[] header) throws Exception {
    ProtocolDataUnit pdu = parse(header);
    DataInParser parser = (DataInParser) pdu.getBasicHeaderSegment().getParser();
    return String.join(
        " ",
        pdu.getBasicHeaderSegment().isFinalFlag() ? "F" : "-",
        parser.isStatusFlag() ? "S " + parser.getStatus() : "-",
        parser.isResidualOverflow() ? "O" : parser.isResidualUnderflow() ? "U" : "-",
        Integer.toHexString(pdu.getBasicHeaderSegment().getInitiatorTaskTag()),
        Integer.toHexString(parser.getTargetTaskTag()),
        Integer.toHexString(parser.getStatusSequenceNumber()),
        Integer.toString(parser.getDataSequenceNumber()),
        Integer.toUnsignedString(parser.getBufferOffset()),
        Integer.toUnsignedString(parser.getResidualCount()));
  }

  /** A SCSI Response: response, status, tag, numbers, ExpDataSN, residual. */
  public static String response(byte[] header) throws Exception {
    ProtocolDataUnit pdu = parse(header);
    SCSIResponseParser parser = (SCSIResponseParser) pdu.getBasicHeaderSegment().getParser();
    return String.join(
        " ",
        parser.getResponse().name(),
        parser.getStatus().name(),
        parser.isResidualOverflow() ? "O" : parser.isResidualUnderflow() ? "U" : "-",
        Integer.toHexString(pdu.getBasicHeaderSegment().getInitiatorTaskTag()),
        Integer.toHexString(parser.getStatusSequenceNumber()),
        Integer.toString(parser.getExpectedDataSequenceNumber()),
        Integer.toUnsignedString(parser.getResidualCount()));
  }
}
