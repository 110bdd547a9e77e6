// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.anabranch.block.Limits;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.unit.Command;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The usage maps, and what follows from them for every command. */
final class CommandTableTest {
  static List<Command> commands() {
    return CommandTable.DISK.all();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void cdbLengthFollowsTheGroupCode(Command command) {
    int expected =
        switch (command.opcode() >> 5) {
          case 0 -> 6;
          case 1, 2 -> 10;
          case 4 -> 16;
          case 5 -> 12;
          default -> -1;
        };
    assertThat(command.cdbLength()).isEqualTo(expected);
    assertThat(command.usage()[command.cdbLength() - 1]).as("CONTROL").isZero();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyBitOutsideOfTheUsageMapIsRefusedWithAPointerToIt(Command command) {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    byte[] usage = command.usage();
    for (int at = 1; at < usage.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        boolean selectsAnother = at == 1 && bit < 5 && command.hasServiceAction();
        if ((usage[at] >> bit & 1) != 0 || selectsAnother) {
          continue;
        }
        byte[] cdb = new byte[16];
        cdb[0] = usage[0];
        cdb[1] = (byte) (command.hasServiceAction() ? usage[1] & 0x1f : 0);
        cdb[at] |= (byte) (1 << bit);
        Lab.Result result =
            initiator.send(HexFormat.ofDelimiter(" ").formatHex(cdb), new byte[4096]);
        result.fails("5/24/00");
        assertThat(result.pointer()).isEqualTo(at);
        assertThat(result.sense()[15] & 0xff).as("SKSV, C/D, BPV, bit").isEqualTo(0xc8 | bit);
      }
    }
  }

  @Test
  void reportListsEveryCommandOnce() {
    byte[] data = Lab.disk().initiator().send("a3 0c 00 00 00 00 00 00 ff ff 00 00").data();
    assertThat(BigEndian.u32(data, 0)).isEqualTo(data.length - 4);
    List<String> reported = new ArrayList<>();
    for (int at = 4; at < data.length; at += 8) {
      reported.add(
          String.format(
              "%02x %02x %d %d",
              data[at], BigEndian.u16(data, at + 2), data[at + 5], BigEndian.u16(data, at + 6)));
    }
    List<String> expected =
        commands().stream()
            .map(command ->
                String.format(
                    "%02x %02x %d %d",
                    command.opcode(),
                    command.hasServiceAction() ? command.serviceAction() : 0,
                    command.hasServiceAction() ? 1 : 0,
                    command.cdbLength()))
            .toList();
    assertThat(reported).doesNotHaveDuplicates().containsExactlyElementsOf(expected);
  }

  @Test
  void reportOfOneCommandHasItsMapAndItsTimeouts() {
    byte[] data = Lab.disk().initiator().send("a3 0c 81 28 00 00 00 00 01 00 00 00").data();
    assertThat(HexFormat.ofDelimiter(" ").formatHex(data))
        .isEqualTo("00 83 00 0a 28 18 ff ff ff ff 1f ff ff 00 00 0a 00 00 00 00 00 01 00 00 00 1e");
  }

  @Test
  void reportRefusesTheWrongQuestion() {
    Lab.Initiator initiator = Lab.disk().initiator();
    initiator.send("a3 0c 01 a3 00 00 00 00 01 00 00 00").fails("5/24/00");
    initiator.send("a3 0c 02 28 00 00 00 00 01 00 00 00").fails("5/24/00");
    initiator.send("a3 0c 04 28 00 00 00 00 01 00 00 00").fails("5/24/00");
    assertThat(initiator.send("a3 0c 01 07 00 00 00 00 01 00 00 00").data()).hasSize(4).contains(1);
    assertThat(initiator.send("a3 0c 03 9e 00 10 00 00 01 00 00 00").data()).hasSize(20);
    assertThat(initiator.send("a3 0c 03 9e 01 10 00 00 01 00 00 00").data()).hasSize(4);
  }

  @Test
  void unknownCommandsAreRefused() {
    Lab.Initiator initiator = Lab.disk().initiator();
    initiator.send("07 00 00 00 00 00").fails("5/20/00");
    initiator.send("7f 00 00 00 00 00").fails("5/20/00");
    initiator.send("9e 1f 00 00 00 00").fails("5/24/00");
  }

  @Test
  void aUnitWithoutDiscardsHasNoUnmap() {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    String report = "a3 0c 01 42 00 00 00 00 01 00 00 00";
    int commands = initiator.send("a3 0c 00 00 00 00 00 00 ff ff 00 00").data().length;
    assertThat(initiator.send(report).data()).hasSize(14);
    lab.disk.limits(Limits.DEFAULT.withDiscard(false, false, 1));
    assertThat(initiator.send(report).data()).isEqualTo(Lab.hex("00 01 00 00"));
    assertThat(initiator.send("a3 0c 00 00 00 00 00 00 ff ff 00 00").data()).hasSize(commands - 8);
    initiator.send("42 00 00 00 00 00 00 00 18 00", new byte[24]).fails("5/20/00");
  }

  /** As they stand in SPC-4 and SBC-3, without what is not looked at; in ascending order. */
  private static final String USAGE_MAPS =
      """
      00 00 00 00 00 00
      03 01 00 00 ff 00
      04 3f 00 00 00 00
      08 1f ff ff ff 00
      0a 1f ff ff ff 00
      12 01 ff ff ff 00
      15 11 00 00 ff 00
      16 00 00 00 00 00
      17 00 00 00 00 00
      1a 08 ff ff ff 00
      1b 01 00 0f f7 00
      1d 17 00 00 00 00
      1e 00 00 00 03 00
      25 00 00 00 00 00 00 00 00 00
      28 18 ff ff ff ff 1f ff ff 00
      2a 18 ff ff ff ff 1f ff ff 00
      2e 16 ff ff ff ff 1f ff ff 00
      2f 16 ff ff ff ff 1f ff ff 00
      34 02 ff ff ff ff 1f ff ff 00
      35 06 ff ff ff ff 1f ff ff 00
      37 00 1f 00 00 00 00 ff ff 00
      41 08 ff ff ff ff 1f ff ff 00
      42 00 00 00 00 00 1f ff ff 00
      48 1f 00 00 00 00 00 ff ff 00
      48 a1 00 00 00 00 00 ff ff 00
      48 a2 00 00 00 00 00 ff ff 00
      48 a3 00 00 00 00 00 ff ff 00
      4d 00 ff ff 00 ff ff ff ff 00
      55 11 00 00 00 00 00 ff ff 00
      56 00 00 00 00 00 00 00 00 00
      57 00 00 00 00 00 00 00 00 00
      5a 18 ff ff 00 00 00 ff ff 00
      5e 00 00 00 00 00 00 ff ff 00
      5e 01 00 00 00 00 00 ff ff 00
      5e 02 00 00 00 00 00 ff ff 00
      5e 03 00 00 00 00 00 ff ff 00
      5f 00 ff 00 00 ff ff ff ff 00
      5f 01 ff 00 00 ff ff ff ff 00
      5f 02 ff 00 00 ff ff ff ff 00
      5f 03 ff 00 00 ff ff ff ff 00
      5f 04 ff 00 00 ff ff ff ff 00
      5f 05 ff 00 00 ff ff ff ff 00
      5f 06 ff 00 00 ff ff ff ff 00
      5f 07 ff 00 00 ff ff ff ff 00
      83 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 00
      84 00 ff 00 00 00 00 00 00 00 ff ff ff ff 00 00
      84 03 ff 00 00 00 00 00 00 00 ff ff ff ff 00 00
      88 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      89 18 ff ff ff ff ff ff ff ff 00 00 00 ff 1f 00
      8a 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      8b 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      8e 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      8f 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      90 02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      91 06 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      93 09 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00
      9e 10 00 00 00 00 00 00 00 00 ff ff ff ff 00 00
      9e 12 ff ff ff ff ff ff ff ff ff ff ff ff 00 00
      a0 00 ff 00 00 00 ff ff ff ff 00 00
      a3 0c 87 ff ff ff ff ff ff ff 00 00
      a3 0d 80 00 00 00 ff ff ff ff 00 00
      a3 ea 00 00 00 00 ff ff ff ff 00 00
      a8 18 ff ff ff ff ff ff ff ff 1f 00
      aa 18 ff ff ff ff ff ff ff ff 1f 00
      ae 16 ff ff ff ff ff ff ff ff 1f 00
      af 16 ff ff ff ff ff ff ff ff 1f 00
      b7 1f ff ff ff ff ff ff ff ff 00 00
      """;

  @Test
  void theUsageMapsAreThese() {
    assertThat(
            commands().stream()
                .map(command -> HexFormat.ofDelimiter(" ").formatHex(command.usage()))
                .sorted())
        .containsExactlyElementsOf(USAGE_MAPS.lines().toList());
  }
}
