// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A command whose data could not move is no success, and takes nothing away. */
final class TransferTest {
  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  /** Every command that takes data, with a CDB that asks for some. */
  static List<String> commandsThatTakeData() {
    Lab lab = Lab.disk();
    List<String> cdbs = new ArrayList<>();
    for (Command command : CommandTable.DISK.all()) {
      byte[] cdb = new byte[16];
      cdb[0] = (byte) command.opcode();
      cdb[1] = (byte) (command.hasServiceAction() ? command.serviceAction() : 0);
      int length = command.cdbLength();
      for (int at = 1; at < length && command.dataOutLength(lab.unit, cdb) == 0; at++) {
        byte before = cdb[at];
        for (int bit = 0; bit < 8 && command.dataOutLength(lab.unit, cdb) == 0; bit++) {
          boolean selects = at == 1 && bit < 5 && command.hasServiceAction();
          cdb[at] = selects ? before : (byte) (before | (command.usage()[at] & (1 << bit)));
        }
        if (command.dataOutLength(lab.unit, cdb) == 0
            || command.dataOutLength(lab.unit, cdb) > LogicalUnit.MAX_TRANSFER) {
          cdb[at] = before;
        }
      }
      if (command.dataOutLength(lab.unit, cdb) > 0) {
        cdbs.add(HexFormat.ofDelimiter(" ").formatHex(cdb));
      }
    }
    return cdbs;
  }

  @Test
  void theListHasAllKindsOfThem() {
    assertThat(commandsThatTakeData())
        .hasSizeGreaterThan(25)
        .anyMatch(cdb -> cdb.startsWith("0a"))
        .anyMatch(cdb -> cdb.startsWith("89"))
        .anyMatch(cdb -> cdb.startsWith("42"))
        .anyMatch(cdb -> cdb.startsWith("5f 07"));
  }

  @ParameterizedTest
  @MethodSource("commandsThatTakeData")
  void withoutItsDataNothingIsDone(String cdb) {
    byte[] before = lab.disk.bytes().clone();
    initiator.send(cdb).fails("5/0e/03");
    assertThat(lab.disk.bytes()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 511, 700, 1023})
  void aPartOfABlockIsNotWritten(int length) {
    byte[] before = lab.disk.bytes().clone();
    for (String opcode : List.of("2a", "2e")) {
      initiator.send(opcode + " 00 00 00 00 00 00 00 02 00", new byte[length]).fails("5/0e/03");
    }
    assertThat(lab.disk.bytes()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2a", "2e"})
  void aWriteOfWhichOnlySomeBlocksComeWritesNothing(String opcode) {
    byte[] data = Lab.pattern(1024, 5);
    initiator.send(opcode + " 00 00 00 00 00 00 00 04 00", data).fails("5/0e/03");
    assertThat(Arrays.copyOf(lab.disk.bytes(), 2048)).containsOnly(0);
    initiator.send("8b" + " 00".repeat(12) + " 02 00 00", new byte[512]).fails("5/0e/03");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "28 00 00 00 00 00 00 00 01 00",
        "12 00 00 00 24 00",
        "03 00 00 00 12 00",
        "25 00 00 00 00 00 00 00 00 00"
      })
  void aReadThatIsNotOneFails(String cdb) {
    initiator.sendExpecting(-1, cdb).fails("5/0e/03");
    initiator.sendExpecting(0, cdb).isGood(); // its residual is reported
  }

  @Test
  void anAttentionThatDoesNotReachTheInitiatorStays() {
    lab.unit.capacityChanged();
    initiator.send("03 00 00 00 00 00").isGood();
    initiator.sendExpecting(0, "03 00 00 00 12 00").isGood();
    assertThat(initiator.send("03 00 00 00 12 00").data()[12]).isEqualTo((byte) 0x2a);
    assertThat(initiator.send("03 00 00 00 12 00").data()[12]).isZero();
  }

  @Test
  void anInventoryThatDoesNotReachTheInitiatorIsStillOwed() {
    lab.device.attach(1, lab.unit, name -> true);
    initiator.sendExpecting(0, "a0 00 00 00 00 00 00 00 00 40 00 00").isGood();
    initiator.send("00 00 00 00 00 00").fails("6/3f/0e");
  }

  @Test
  void aCopyResultThatDoesNotReachTheInitiatorIsKept() {
    byte[] list = new byte[16];
    list[0] = 9; // LIST IDENTIFIER, LIST ID USAGE 00b: hold it
    initiator.send("83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00", list).isGood();
    String status = "84 00 09 00 00 00 00 00 00 00 00 00 00 %02x 00 00";
    initiator.send(String.format(Locale.ROOT, status, 0)).isGood();
    assertThat(initiator.send(String.format(Locale.ROOT, status, 12)).data()).hasSize(12);
    initiator.send(String.format(Locale.ROOT, status, 12)).fails("5/24/00");
  }
}
