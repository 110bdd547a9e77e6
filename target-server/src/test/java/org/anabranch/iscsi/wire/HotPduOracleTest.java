// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.jscsi.JscsiOracle;
import org.junit.jupiter.api.Test;

/** The headers that we read and write ourselves, beside what jSCSI reads in them. */
final class HotPduOracleTest {
  /**
   * A command that jSCSI would take: it refuses reserved bits, and a length with neither R nor W.
   */
  private static byte[] command(Random random) {
    byte[] header = new byte[48];
    random.nextBytes(header);
    header[0] = (byte) (random.nextBoolean() ? 0x41 : 0x01);
    int direction = (1 + random.nextInt(2)) << 5;
    header[1] = (byte) (0x80 | direction | random.nextInt(5));
    header[2] = 0;
    header[3] = 0;
    return header;
  }

  private static Pdu pdu(byte[] header) {
    Pdu pdu = new Pdu();
    pdu.header().writeBytes(header);
    return pdu;
  }

  private static String attribute(int number) {
    return switch (number) {
      case 0 -> "UNTAGGED";
      case 1 -> "SIMPLE";
      case 2 -> "ORDERED";
      case 3 -> "HEAD_OF_QUEUE";
      default -> "ACA";
    };
  }

  @Test
  void commands() throws Exception {
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      byte[] bytes = command(random);
      Pdu pdu = pdu(bytes);
      ByteBuf header = pdu.header();
      byte[] cdb = ScsiCommandHeader.cdb(header, 0);
      assertThat(cdb).isNotNull();
      String ours =
          String.join(
              " ",
              pdu.immediate() ? "I" : "-",
              pdu.isFinal() ? "F" : "-",
              ScsiCommandHeader.reads(header) ? "R" : "-",
              ScsiCommandHeader.writes(header) ? "W" : "-",
              attribute(bytes[1] & 7),
              Long.toHexString(pdu.lun()),
              Integer.toHexString(pdu.taskTag()),
              Long.toString(ScsiCommandHeader.expectedDataTransferLength(header)),
              Integer.toHexString(pdu.cmdSn()),
              Integer.toHexString(pdu.expStatSn()),
              HexFormat.of().formatHex(cdb));
      assertThat(ours).isEqualTo(JscsiOracle.command(bytes));
    }
  }

  @Test
  void dataOuts() throws Exception {
    Random random = new Random(2);
    for (int i = 0; i < 2000; i++) {
      byte[] bytes = new byte[48];
      random.nextBytes(bytes);
      bytes[0] = 0x05;
      for (int reserved : new int[] {2, 3, 24, 25, 26, 27, 32, 33, 34, 35, 44, 45, 46, 47}) {
        bytes[reserved] = 0;
      }
      bytes[1] &= (byte) 0x80;
      Pdu pdu = pdu(bytes);
      String ours =
          String.join(
              " ",
              pdu.isFinal() ? "F" : "-",
              Long.toHexString(pdu.lun()),
              Integer.toHexString(pdu.taskTag()),
              Integer.toHexString(pdu.transferTag()),
              Integer.toHexString(DataOutHeader.dataSn(pdu.header())),
              Long.toString(DataOutHeader.bufferOffset(pdu.header())));
      assertThat(ours).isEqualTo(JscsiOracle.dataOut(bytes));
    }
  }

  @Test
  void extendedCdbs() {
    byte[] bytes = new byte[48 + 8];
    bytes[32] = 0x7f;
    bytes[49] = 5; // four bytes more, and a reserved one
    bytes[50] = 1;
    bytes[52] = (byte) 0xaa;
    bytes[55] = (byte) 0xbb;
    byte[] cdb = ScsiCommandHeader.cdb(Unpooled.wrappedBuffer(bytes), 8);
    assertThat(cdb).hasSize(20).startsWith(0x7f).endsWith(0xaa, 0, 0, 0xbb);
    bytes[49] = 9;
    assertThat(ScsiCommandHeader.cdb(Unpooled.wrappedBuffer(bytes), 8)).as("too long").isNull();
    bytes[49] = 5;
    bytes[50] = 2;
    assertThat(ScsiCommandHeader.cdb(Unpooled.wrappedBuffer(bytes), 8)).as("unknown").isNull();
  }

  /** What the server sends, read by jSCSI. */
  @Test
  void answers() throws Exception {
    try (TestTarget target = new TestTarget();
        LoginWire wire =
            LoginWire.login(target, Map.of("InitialR2T", "Yes", "ImmediateData", "No"))) {
      org.anabranch.initiator.Pdu write = wire.write(0, 2, true);
      org.anabranch.initiator.Pdu r2t = wire.ask(write);
      assertThat(r2t.opcode()).isEqualTo(Opcode.READY_TO_TRANSFER);
      String tag = Integer.toHexString(write.taskTag());
      assertThat(JscsiOracle.r2t(r2t.bhs()))
          .isEqualTo(
              String.join(
                  " ",
                  "0",
                  tag,
                  Integer.toHexString(r2t.transferTag()),
                  Integer.toHexString(r2t.statSn()),
                  Integer.toHexString(wire.cmdSn),
                  Integer.toHexString(r2t.maxCmdSn()),
                  "0 0 1024"));
      wire.send(
          Requests.dataOut(0, write.taskTag(), r2t.transferTag(), 0, 0, true).data(new byte[1024]));
      org.anabranch.initiator.Pdu done = wire.expectStatus(write.taskTag(), 0, 0);
      assertThat(JscsiOracle.response(done.bhs()))
          .isEqualTo(
              "COMMAND_COMPLETED_AT_TARGET GOOD - "
                  + tag
                  + " "
                  + Integer.toHexString(r2t.statSn())
                  + " 1 0");
      org.anabranch.initiator.Pdu read =
          wire.command(Cdb.read(0, 2), Requests.FINAL | Requests.READ, 4096);
      org.anabranch.initiator.Pdu data = wire.ask(read);
      assertThat(JscsiOracle.dataIn(data.bhs()))
          .isEqualTo(
              "F S GOOD U "
                  + Integer.toHexString(read.taskTag())
                  + " ffffffff "
                  + Integer.toHexString(done.statSn() + 1)
                  + " 0 0 3072");
    }
  }
}
