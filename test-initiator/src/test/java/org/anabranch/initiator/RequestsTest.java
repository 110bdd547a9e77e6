// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Headers byte for byte, as RFC 7143 section 11 draws them. */
final class RequestsTest {
  private static String hex(Pdu pdu) {
    return HexFormat.of().formatHex(pdu.bhs());
  }

  @Test
  void command() {
    Pdu pdu =
        Requests.command(Command.flatLun(3), 0x11223344, Cdb.read(0x12345678L, 8), 0xc0 | 1, 4096)
            .cmdSn(0x55667788)
            .expStatSn(0x99aabbcc);
    assertThat(hex(pdu))
        .isEqualTo(
            "01c10000"
                + "00000000"
                + "0003000000000000"
                + "11223344"
                + "00001000"
                + "55667788"
                + "99aabbcc"
                + "28001234567800000800000000000000");
  }

  @Test
  void longCdbGoesOnInAnAdditionalHeader() {
    byte[] cdb = new byte[32];
    for (int i = 0; i < 32; i++) {
      cdb[i] = (byte) i;
    }
    Pdu pdu = Requests.command(0, 1, cdb, 0x80, 0);
    assertThat(pdu.totalAhsLength()).isEqualTo(5);
    assertThat(HexFormat.of().formatHex(pdu.ahs()))
        .isEqualTo("00110100" + "101112131415161718191a1b1c1d1e1f");
  }

  @Test
  void login() {
    assertThat(hex(Requests.login(0x800102030405L, 0x0607, 1, 9, 0x87)))
        .startsWith("43870000" + "00000000" + "8001020304050607" + "00000001" + "00090000");
  }

  @Test
  void dataOut() {
    assertThat(hex(Requests.dataOut(0, 5, 0x0a0b0c0d, 2, 8192, true)))
        .isEqualTo(
            "05800000"
                + "00000000"
                + "0000000000000000"
                + "00000005"
                + "0a0b0c0d"
                + "00000000"
                + "00000000"
                + "00000000"
                + "00000002"
                + "00002000"
                + "00000000");
  }

  @Test
  void taskManagement() {
    assertThat(hex(Requests.taskManagement(1, 0, 6, 5, 77)))
        .startsWith("42810000" + "00000000" + "0000000000000000" + "00000006" + "00000005")
        .endsWith("0000004d" + "00000000".repeat(3));
  }

  @Test
  void lunsAbove255AreFlat() {
    assertThat(Command.flatLun(255)).isEqualTo(0x00ff_0000_0000_0000L);
    assertThat(Command.flatLun(256)).isEqualTo(0x4100_0000_0000_0000L);
  }

  @Test
  void largeAddressesTakeTheLongForm() {
    assertThat(Cdb.write(1L << 32, 1, true)).startsWith(0x8a, 0x08).hasSize(16);
    assertThat(Cdb.read(0, 65_536)).startsWith(0x88, 0x00).hasSize(16);
    assertThat(Cdb.read(0xffff_ffffL, 65_535)).startsWith(0x28, 0x00).hasSize(10);
  }
}
