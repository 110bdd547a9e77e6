// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FormatTest {
  private static final String READ_ALL = "28 00 00 00 00 00 00 20 00 00";
  private static final String TEST_UNIT_READY = "00 00 00 00 00 00";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  @ParameterizedTest
  @CsvSource({
    "04 00 00 00 00 00, ''",
    "04 10 00 00 00 00, 00 00 00 00",
    "04 18 00 00 00 00, 00 e0 00 00",
    "04 38 00 00 00 00, 00 00 00 00 00 00 00 00",
    "04 10 00 00 00 00, 00 02 00 00",
    "04 30 00 00 00 00, 00 02 00 00 00 00 00 00"
  })
  void everyBlockReadsAsZerosAfterwards(String cdb, String list) {
    initiator.send("2a 00 00 00 00 07 00 00 01 00", Lab.pattern(512, 3)).isGood();
    initiator.send(cdb, Lab.hex(list)).isGood();
    assertThat(initiator.send(READ_ALL).data()).isEqualTo(new byte[8192 * 512]);
    initiator.send(TEST_UNIT_READY).isGood();
  }

  @ParameterizedTest
  @CsvSource({
    "04 50 00 00 00 00, 00 00 00 00, 5/24/00",
    "04 14 00 00 00 00, 00 00 00 00, 5/24/00",
    "04 10 00 00 01 00, 00 00 00 00, 5/24/00",
    "04 10 00 00 00 00, 00 00 00 08, 5/26/00",
    "04 30 00 00 00 00, 00 00 00 00 00 00 00 08, 5/26/00",
    "04 30 00 00 00 00, 00 00 00 10 00 00 00 00, 5/26/00",
    "04 10 00 00 00 00, 01 00 00 00, 5/26/00",
    "04 10 00 00 00 00, 00 20 00 00, 5/26/00",
    "04 10 00 00 00 00, 00 88 00 00, 5/26/00",
    "04 10 00 00 00 00, 00 00, 5/0e/03"
  })
  void whatIsNotSupportedIsRefusedAndChangesNothing(String cdb, String list, String code) {
    byte[] data = Lab.pattern(512, 3);
    initiator.send("2a 00 00 00 00 07 00 00 01 00", data).isGood();
    initiator.send(cdb, Lab.hex(list)).fails(code);
    assertThat(initiator.send("28 00 00 00 00 07 00 00 01 00").data()).isEqualTo(data);
  }

  @Test
  void whileItIsAtWorkProgressIsReportedByEveryPathAndNothingStopsIt() {
    lab.disk.hold();
    initiator.send("04 10 00 00 00 00", (byte) 0, (byte) 2, (byte) 0, (byte) 0).isGood();
    initiator.send(TEST_UNIT_READY).fails("2/04/04");
    initiator.send("04 00 00 00 00 00").fails("2/04/04");
    initiator.send("48 02 00 00 00 00 00 00 00 00").fails("2/04/04");
    byte[] sense = initiator.send("03 00 00 00 12 00").data();
    assertThat(Lab.hex("04 04")).isEqualTo(new byte[] {sense[12], sense[13]});
    assertThat(sense[15] & 0x80).as("SKSV").isEqualTo(0x80);
    initiator.send("12 00 00 00 24 00").isGood();
    lab.unit.reset(initiator.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    initiator.send(TEST_UNIT_READY).fails("6/29/03");
    initiator.send(TEST_UNIT_READY).isGood();
  }

  @Test
  void reservationsAndWriteProtectionStopIt() {
    lab.initiator("iqn.2026-11.org.example:second").send("16 00 00 00 00 00").isGood();
    initiator.send("04 00 00 00 00 00").conflicts();
    Lab readOnly = new Lab(64, Lab.properties(true, false, true, 512), ReservationStore.NONE);
    readOnly.initiator().send("04 00 00 00 00 00").fails("7/27/00");
  }
}
