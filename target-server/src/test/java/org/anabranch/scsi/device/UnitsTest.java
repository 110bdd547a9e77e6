// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** LUNs that come and go, who sees which, and the unit attentions that tell of changes. */
final class UnitsTest {
  private final Lab lab = Lab.disk();
  private final Lab.Initiator first = lab.initiator("iqn.2026-11.org.example:first");
  private final Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");

  private LogicalUnit another(String name) {
    return DiskUnit.of(
        new TestDevice(64).thin(),
        UnitProperties.disk(UnitIdentity.of(Lab.TARGET, name)),
        lab.scheduler);
  }

  private static String luns(Lab.Initiator initiator, int select) {
    Lab.Result result =
        initiator.send(String.format("a0 00 %02x 00 00 00 00 00 10 00 00 00", select));
    result.isGood();
    return HexFormat.of().formatHex(result.data());
  }

  @ParameterizedTest
  @CsvSource({
    "0000000000000000, 0",
    "00ff000000000000, 255",
    "4005000000000000, 5",
    "4100000000000000, 256",
    "7fff000000000000, 16383",
    "0105000000000000, -1",
    "8000000000000000, -1",
    "c101000000000000, -1",
    "0005000000000001, -1"
  })
  void lunFieldsAreParsed(String field, int lun) {
    long value = HexFormat.fromHexDigitsToLong(field);
    assertThat(LunInventory.parse(value)).isEqualTo(lun);
    if (lun >= 256) {
      assertThat(LunInventory.field(lun)).isEqualTo(value);
    }
  }

  @Test
  void reportLunsShowsWhatTheInitiatorSees() {
    lab.device.attach(300, another("far"), name -> true);
    lab.device.attach(2, another("secret"), name -> name.endsWith("second"));
    first.send("00 00 00 00 00 00").fails("6/3f/0e");
    assertThat(luns(first, 0)).isEqualTo("00000010000000000000000000000000412c000000000000");
    assertThat(luns(second, 2))
        .isEqualTo("000000180000000000000000000000000002000000000000412c000000000000");
    assertThat(luns(first, 1)).isEqualTo("0000000000000000");
    second.send("00 00 00 00 00 00").isGood(); // REPORT LUNS told it.
    first.sendTo(2, "00 00 00 00 00 00").fails("5/25/00");
    second.sendTo(2, "00 00 00 00 00 00").isGood();
  }

  @Test
  void reportLunsRefusesTooLittleRoomAndUnknownLists() {
    first.send("a0 00 00 00 00 00 00 00 00 0f 00 00").fails("5/24/00");
    first.send("a0 00 10 00 00 00 00 00 10 00 00 00").fails("5/24/00");
  }

  @Test
  void twoHundredAndFiftySixUnitsAndMore() {
    for (int lun = 1; lun < 300; lun++) {
      lab.device.attach(lun, another("disk" + lun), name -> true);
    }
    assertThat(luns(first, 0)).hasSize(2 * (8 + 8 * 300));
    first.sendTo(299, "00 00 00 00 00 00").isGood();
    assertThat(first.sendTo(255, "25 00 00 00 00 00 00 00 00 00").data())
        .isEqualTo(Lab.hex("00 00 00 3f 00 00 02 00"));
  }

  @Test
  void whereNoUnitIsInquiryAndReportLunsAnswer() {
    Lab.Result inquiry = first.sendTo(5, "12 00 00 00 ff 00");
    inquiry.isGood();
    assertThat(inquiry.data()[0]).isEqualTo((byte) 0x7f);
    first.sendTo(5, "12 01 00 00 ff 00").fails("5/25/00");
    assertThat(first.sendTo(5, "a0 00 00 00 00 00 00 00 00 10 00 00").data()).hasSize(16);
    Lab.Result sense = first.sendTo(5, "03 00 00 00 ff 00");
    sense.isGood();
    assertThat(sense.data()[12]).isEqualTo((byte) 0x25);
    first.sendTo(5, "28 00 00 00 00 00 00 00 01 00").fails("5/25/00");
  }

  @Test
  void aUnitThatIsTakenAwayEndsItsTasksAndIsGone() {
    lab.disk.hold();
    Lab.Command running = first.begin("28 00 00 00 00 00 00 00 01 00").execute();
    boolean[] ended = new boolean[1];
    lab.device.detach(0, () -> ended[0] = true);
    first.send("00 00 00 00 00 00").fails("5/25/00");
    assertThat(running.isOver()).isFalse();
    assertThat(ended[0]).isFalse();
    lab.disk.letGo();
    assertThat(running.result().aborted()).isTrue();
    assertThat(ended[0]).isTrue();
    lab.device.attach(0, another("new"), name -> true);
    first.send("00 00 00 00 00 00").fails("6/3f/0e");
    first.send("00 00 00 00 00 00").isGood();
  }

  @Test
  void growingIsToldAndSeen() {
    lab.disk.grow(16384);
    lab.unit.capacityChanged();
    first.send("00 00 00 00 00 00").fails("6/2a/09");
    assertThat(first.send("25 00 00 00 00 00 00 00 00 00").data())
        .isEqualTo(Lab.hex("00 00 3f ff 00 00 02 00"));
    second.send("28 00 00 00 3f ff 00 00 01 00").fails("6/2a/09");
    second.send("28 00 00 00 3f ff 00 00 01 00").isGood();
  }

  @Test
  void rollingBackIsTold() {
    lab.unit.contentsChanged();
    lab.unit.contentsChanged();
    first.send("00 00 00 00 00 00").fails("6/28/00");
    first.send("00 00 00 00 00 00").isGood();
  }

  @Test
  void inquiryLeavesAnAttentionAloneAndRequestSenseTakesIt() {
    lab.unit.capacityChanged();
    first.send("12 00 00 00 24 00").isGood();
    Lab.Result sense = first.send("03 00 00 00 12 00");
    assertThat(HexFormat.ofDelimiter(" ").formatHex(sense.data(), 12, 14)).isEqualTo("2a 09");
    assertThat(sense.data()[2]).isEqualTo((byte) 6);
    assertThat(first.send("03 01 00 00 12 00").data())
        .isEqualTo(Lab.hex("72 00 00 00 00 00 00 00"));
    first.send("00 00 00 00 00 00").isGood();
  }

  @Test
  void aResetTakesThePlaceOfWhatWasOwedBefore() {
    lab.unit.capacityChanged();
    lab.unit.reset(first.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    first.send("00 00 00 00 00 00").fails("6/29/03");
    first.send("00 00 00 00 00 00").isGood();
  }
}
