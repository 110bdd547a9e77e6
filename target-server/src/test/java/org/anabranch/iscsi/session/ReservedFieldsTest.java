// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.function.Function;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.Wire;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields that are reserved in the PDUs that the target sends are zero (RFC 7143 11). */
final class ReservedFieldsTest {
  private static final long LUN = Command.flatLun(1);

  /** The bytes of a basic header segment that are not reserved, as a mask for each byte. */
  private static final Map<Integer, String> MEANT =
      Map.of(
          // The LUN stands in a PDU with a transfer tag of the target's only.
          Opcode.NOP_IN, "3f80 0000 ffffffff 0000000000000000 ffffffff ffffffff",
          Opcode.SCSI_RESPONSE, "3f9e ffff ffffffff 0000000000000000 ffffffff 00000000",
          Opcode.TASK_MANAGEMENT_RESPONSE, "3f80 ff00 ffffffff 0000000000000000 ffffffff 00000000",
          Opcode.TEXT_RESPONSE, "3fc0 0000 ffffffff 0000000000000000 ffffffff ffffffff",
          Opcode.DATA_IN, "3fc7 00ff ffffffff 0000000000000000 ffffffff ffffffff",
          Opcode.LOGOUT_RESPONSE, "3f80 ff00 ffffffff 0000000000000000 ffffffff 00000000",
          Opcode.READY_TO_TRANSFER, "3f80 0000 ffffffff ffffffffffffffff ffffffff ffffffff",
          Opcode.REJECT, "3f80 ff00 ffffffff 0000000000000000 ffffffff 00000000");

  /** The same from byte 24, where StatSN, ExpCmdSN and MaxCmdSN are. */
  private static final Map<Integer, String> MEANT_BEHIND =
      Map.of(
          Opcode.NOP_IN, "ffffffff ffffffff ffffffff 00000000 00000000 00000000",
          Opcode.SCSI_RESPONSE, "ffffffff ffffffff ffffffff ffffffff 00000000 ffffffff",
          Opcode.TASK_MANAGEMENT_RESPONSE, "ffffffff ffffffff ffffffff 00000000 00000000 00000000",
          Opcode.TEXT_RESPONSE, "ffffffff ffffffff ffffffff 00000000 00000000 00000000",
          Opcode.DATA_IN, "ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff",
          Opcode.LOGOUT_RESPONSE, "ffffffff ffffffff ffffffff 00000000 ffffffff 00000000",
          Opcode.READY_TO_TRANSFER, "ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff",
          Opcode.REJECT, "ffffffff ffffffff ffffffff 00000000 00000000 00000000");

  private static void assertReservedAreZero(Pdu pdu, int opcode) {
    assertThat(pdu.opcode()).isEqualTo(opcode);
    byte[] meant =
        java.util.HexFormat.of()
            .parseHex((MEANT.get(opcode) + MEANT_BEHIND.get(opcode)).replace(" ", ""));
    for (int at = 0; at < meant.length; at++) {
      assertThat(pdu.bhs()[at] & ~meant[at] & 0xff)
          .as("%s, byte %s", Opcode.name(opcode), at)
          .isZero();
    }
  }

  private static Pdu answer(Function<Wire, Pdu> request) throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(2);
        Wire wire =
            new Wire(server, options().key("InitialR2T", "Yes").key("ImmediateData", "No"))) {
      for (int i = 0; i < 3; i++) { // the unit attentions that a new nexus is owed
        wire.send(Requests.command(LUN, wire.nextTag(), Cdb.testUnitReady(), FINAL, 0));
        wire.receive();
      }
      wire.send(request.apply(wire));
      return wire.receive();
    }
  }

  @Test
  void dataInAndResponse() throws Exception {
    assertReservedAreZero(
        answer(wire -> Requests.command(LUN, 5, Cdb.read(0, 1), FINAL | READ, 512)),
        Opcode.DATA_IN);
    assertReservedAreZero(
        answer(wire -> Requests.command(LUN, 5, Cdb.testUnitReady(), FINAL, 0)),
        Opcode.SCSI_RESPONSE);
    assertReservedAreZero(answer(wire -> wire.write(0, 512).lun(LUN)), Opcode.READY_TO_TRANSFER);
  }

  /** Of several segments only the last has a status, a StatSN and a residual count (11.7). */
  @Test
  void dataInWithoutStatus() throws Exception {
    Pdu first = answer(wire -> Requests.command(LUN, 5, Cdb.read(0, 1024), FINAL | READ, 1 << 20));
    assertReservedAreZero(first, Opcode.DATA_IN);
    assertThat(first.flags() & 7).as("O, U and S").isZero();
    assertThat(first.u8(3)).as("status").isZero();
    assertThat(first.statSn()).isZero();
    assertThat(first.i32(44)).as("residual count").isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 100})
  void pings(int length) throws Exception {
    Pdu answer = answer(wire -> Requests.nopOut(5).lun(LUN).data(new byte[length]));
    assertReservedAreZero(answer, Opcode.NOP_IN);
    assertThat(answer.transferTag()).isEqualTo(Pdu.NO_TAG);
  }

  @Test
  void others() throws Exception {
    assertReservedAreZero(
        answer(wire -> Requests.taskManagement(5, LUN, 5, Pdu.NO_TAG, 0)),
        Opcode.TASK_MANAGEMENT_RESPONSE);
    assertReservedAreZero(
        answer(wire -> Requests.text(5, Pdu.NO_TAG).lun(LUN)), Opcode.TEXT_RESPONSE);
    assertReservedAreZero(
        answer(wire -> Requests.dataOut(LUN, 77, 1, 0, 0, true).data(new byte[512])),
        Opcode.REJECT);
    assertReservedAreZero(
        answer(wire -> Requests.logout(5, 0, 0).lun(LUN)), Opcode.LOGOUT_RESPONSE);
  }
}
