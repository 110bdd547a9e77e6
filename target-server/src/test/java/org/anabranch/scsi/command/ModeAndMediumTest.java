// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.anabranch.block.IoError;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Mode pages, write protection, and a medium that comes and goes. */
final class ModeAndMediumTest {
  private static final String CONTROL_D_SENSE = "00 00 00 00 0a 0a 04 10 00 00 00 00 ff ff 00 00";
  private static final String CACHE_ON = "00 00 00 00 08 12 04" + " 00".repeat(17);
  private static final String CACHE_OFF = "00 00 00 00 08 12" + " 00".repeat(18);
  private static final String CONTROL_SWP = "00 00 00 00 0a 0a 00 10 08 00 00 00 ff ff 00 00";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator first = lab.initiator("iqn.2026-11.org.example:first");
  private final Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");

  @Test
  void allPagesInBothForms() {
    byte[] six = first.send("1a 00 3f 00 ff 00").data();
    assertThat(six).hasSize(4 + 8 + 20 + 12 + 12);
    assertThat(six[0] & 0xff).isEqualTo(six.length - 1);
    assertThat(six[2]).as("DPOFUA").isEqualTo((byte) 0x10);
    assertThat(Arrays.copyOfRange(six, 4, 12)).isEqualTo(Lab.hex("00 00 20 00 00 00 02 00"));
    byte[] ten = first.send("5a 10 3f 00 00 00 00 01 00 00").data();
    assertThat(BigEndian.u16(ten, 0)).isEqualTo(ten.length - 2);
    assertThat(ten[4]).as("LONGLBA").isEqualTo((byte) 1);
    assertThat(Arrays.copyOfRange(ten, 8, 24))
        .isEqualTo(Lab.hex("00 00 00 00 00 00 20 00 00 00 00 00 00 00 02 00"));
    assertThat(Arrays.copyOfRange(ten, 24, ten.length))
        .isEqualTo(Arrays.copyOfRange(six, 12, six.length));
    assertThat(first.send("1a 08 3f ff ff 00").data()).hasSize(48);
  }

  @ParameterizedTest
  @CsvSource({
    "1a 08 08 00 ff 00, 08 12 04",
    "1a 08 48 00 ff 00, 08 12 04",
    "1a 08 88 00 ff 00, 08 12 04",
    "1a 08 4a 00 ff 00, 0a 0a 04 00 08 40",
    "1a 08 1c 00 ff 00, 1c 0a 08"
  })
  void onePage(String cdb, String start) {
    byte[] data = first.send(cdb).data();
    assertThat(Arrays.copyOfRange(data, 4, data.length)).startsWith(Lab.hex(start));
  }

  @ParameterizedTest
  @CsvSource({
    "1a 08 c8 00 ff 00, 5/39/00",
    "1a 08 01 00 ff 00, 5/24/00",
    "1a 08 08 01 ff 00, 5/24/00"
  })
  void pagesThatAreNotThere(String cdb, String code) {
    first.send(cdb).fails(code);
  }

  @Test
  void descriptorSenseIsSwitchedForAllAndToldToTheOthers() {
    first.send("15 10 00 00 10 00", Lab.hex(CONTROL_D_SENSE)).isGood();
    assertThat(second.send("00 00 00 00 00 00").sense()[0]).isEqualTo((byte) 0x72);
    assertThat(first.send("28 00 ff ff ff ff 00 00 01 00").sense())
        .isEqualTo(Lab.hex("72 05 21 00 00 00 00 0c 00 0a 80 00 00 00 00 00 ff ff ff ff"));
    first.send("15 10 00 00 10 00", Lab.hex(CONTROL_D_SENSE)).isGood();
    second.send("00 00 00 00 00 00").isGood(); // Nothing changed the second time.
    lab.unit.reset(first.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    assertThat(first.send("00 00 00 00 00 00").sense()[0]).isEqualTo((byte) 0x70);
  }

  @Test
  void softwareWriteProtect() {
    first.send("15 10 00 00 10 00", Lab.hex(CONTROL_SWP)).isGood();
    assertThat(first.send("1a 08 0a 00 ff 00").data()[2] & 0xff).isEqualTo(0x90);
    for (String write : writes()) {
      first.send(write, new byte[1024]).fails("7/27/02");
    }
    first.send("28 00 00 00 00 00 00 00 01 00").isGood();
  }

  private static List<String> writes() {
    return List.of(
        "0a 00 00 00 01 00",
        "2a 00 00 00 00 00 00 00 01 00",
        "2e 00 00 00 00 00 00 00 01 00",
        "41 00 00 00 00 00 00 00 01 00",
        "42 00 00 00 00 00 00 00 18 00",
        "48 02 00 00 00 00 00 00 00 00",
        "89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
        "8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00");
  }

  @Test
  void aReadOnlyUnit() {
    Lab readOnly = new Lab(64, Lab.properties(true, false, true, 512), ReservationStore.NONE);
    Lab.Initiator initiator = readOnly.initiator();
    for (String write : writes()) {
      initiator.send(write, new byte[1024]).fails("7/27/00");
    }
    assertThat(initiator.send("1a 08 0a 00 ff 00").data()[2] & 0xff).isEqualTo(0x90);
  }

  @ParameterizedTest
  @CsvSource({
    "15 00 00 00 10 00, 5/24/00, 1",
    "15 11 00 00 10 00, 5/24/00, 1",
  })
  void selectWithoutPageFormatOrWithSaving(String cdb, String code, int pointer) {
    Lab.Result result = first.send(cdb, Lab.hex(CONTROL_SWP));
    result.fails(code);
    assertThat(result.pointer()).isEqualTo(pointer);
  }

  @ParameterizedTest
  @CsvSource({
    "00 00 00 00 0a 0a 00 10 00 00 00 01 ff ff 00 00, 5/26/00, 11",
    "00 00 00 00 0b 0a 00 10 00 00 00 00 ff ff 00 00, 5/26/00, 4",
    "00 00 00 00 0a 09 00 10 00 00 00 00 ff ff 00, 5/26/00, 5",
    "00 00 00 00 4a 01 00 00 00 00 00 00 00 00 00 00, 5/26/00, 4",
    "00 00 00 04 0a 0a 00 10 00 00 00 00 ff ff 00 00, 5/26/00, 3",
    "00 00 00 08 00 00 00 01 00 00 02 00 0a 0a 00 10 00 00 00 00 ff ff 00 00, 5/26/00, 4",
    "00 00 00 08 00 00 00 00 00 00 10 00 0a 0a 00 10 00 00 00 00 ff ff 00 00, 5/26/00, 9"
  })
  void selectRefusesWhatItCannotDo(String list, String code, int pointer) {
    byte[] bytes = Lab.hex(list);
    Lab.Result result = first.send(String.format("15 10 00 00 %02x 00", bytes.length), bytes);
    result.fails(code);
    assertThat(result.pointer()).isEqualTo(pointer);
  }

  @Test
  void selectTakesNothingOfAListThatIsCutOrPartlyWrong() {
    first.send("15 10 00 00 0e 00", Arrays.copyOf(Lab.hex(CONTROL_SWP), 14)).fails("5/1a/00");
    first.send("15 10 00 00 10 00", new byte[8]).fails("5/0e/03");
    byte[] both = Arrays.copyOf(Lab.hex(CONTROL_SWP), 28);
    both[16] = 0x1c;
    both[17] = 0x0a;
    both[18] = 0x00; // DEXCPT cannot be cleared
    first.send("15 10 00 00 1c 00", both).fails("5/26/00");
    first.send("0a 00 00 00 01 00", new byte[512]).isGood();
    first.send("15 10 00 00 00 00").isGood();
    byte[] list =
        Lab.hex("00 00 00 08 00 00 20 00 00 00 02 00 0a 0a 00 10 00 00 00 00 ff ff 00 00");
    first.send("15 10 00 00 18 00", list).isGood();
  }

  @Test
  void aFixedMediumStays() {
    first.send("1b 00 00 00 02 00").fails("5/24/00");
    first.send("1b 00 00 00 00 00").isGood();
    assertThat(lab.disk.flushes()).isEqualTo(1);
    first.send("00 00 00 00 00 00").isGood();
  }

  @Test
  void aRemovableMediumGoesUnlessItIsPrevented() {
    Lab removable = new Lab(64, Lab.properties(false, true, true, 512), ReservationStore.NONE);
    Lab.Initiator one = removable.initiator("iqn.2026-11.org.example:one");
    Lab.Initiator two = removable.initiator("iqn.2026-11.org.example:two");
    assertThat(one.send("12 00 00 00 24 00").data()[1]).as("RMB").isEqualTo((byte) 0x80);
    one.send("1e 00 00 00 01 00").isGood();
    two.send("1b 00 00 00 02 00").fails("5/53/02");
    removable.device.close(one.nexus);
    two.send("1b 00 00 00 02 00").isGood();
    two.send("00 00 00 00 00 00").fails("2/3a/00");
    two.send("25 00 00 00 00 00 00 00 00 00").fails("2/3a/00");
    two.send("28 00 00 00 00 00 00 00 01 00").fails("2/3a/00");
    assertThat(two.send("03 00 00 00 12 00").data()[12]).isEqualTo((byte) 0x3a);
    Lab.Initiator three = removable.new Initiator("iqn.2026-11.org.example:three", Lab.PORT);
    three.ready();
    two.send("1e 00 00 00 01 00").isGood();
    two.send("1b 00 00 00 03 00").fails("5/53/02");
    removable.unit.reset(two.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    two.send("1b 00 00 00 03 00").fails("6/29/03");
    two.send("1b 00 00 00 03 00").isGood();
    two.send("00 00 00 00 00 00").isGood();
    three.send("00 00 00 00 00 00").fails("6/29/03");
    three.send("00 00 00 00 00 00").fails("6/28/00");
  }

  @Test
  void smallReports() {
    assertThat(first.send("37 00 0d 00 00 00 00 00 20 00").data())
        .isEqualTo(Lab.hex("00 0d 00 00"));
    assertThat(first.send("b7 0d 00 00 00 00 00 00 00 20 00 00").data())
        .isEqualTo(Lab.hex("00 0d 00 00 00 00 00 00"));
    assertThat(first.send("4d 00 40 00 00 00 00 00 ff 00").data())
        .isEqualTo(Lab.hex("00 00 00 03 00 0d 2f"));
    assertThat(first.send("4d 00 4d 00 00 00 00 00 ff 00").data()).hasSize(16);
    first.send("4d 00 41 00 00 00 00 00 ff 00").fails("5/24/00");
  }

  @Test
  void theSelfTestPassesAndThereIsNoOther() {
    Lab.Initiator initiator = Lab.disk().initiator();
    initiator.send("1d 04 00 00 00 00").isGood();
    initiator.send("1d 14 00 00 00 00").isGood();
    initiator.send("1d 00 00 00 00 00").isGood();
    initiator.send("1d 20 00 00 00 00").fails("5/24/00");
    initiator.send("1d 10 00 00 08 00", new byte[8]).fails("5/24/00");
  }

  private void select(String list) {
    byte[] bytes = Lab.hex(list);
    first.send(String.format("15 10 00 00 %02x 00", bytes.length), bytes).isGood();
  }

  @Test
  void switchingTheCacheOffAndProtectingTheMediumFlush() {
    select(CACHE_OFF);
    assertThat(lab.disk.flushes()).isEqualTo(1);
    select(CACHE_OFF);
    select(CACHE_ON);
    assertThat(lab.disk.flushes()).isEqualTo(1);
    select(CONTROL_SWP);
    assertThat(lab.disk.flushes()).isEqualTo(2);
    select(CONTROL_SWP);
    select(CONTROL_D_SENSE);
    assertThat(lab.disk.flushes()).isEqualTo(2);
    select(CACHE_OFF);
    assertThat(lab.disk.flushes()).isEqualTo(3);
    select(CONTROL_SWP);
    assertThat(lab.disk.flushes()).as("nothing was cached").isEqualTo(3);
  }

  @Test
  void theFlushIsBehindTheWritesThatAreUnderWay() {
    lab.disk.hold();
    Lab.Command write = first.begin("0a 00 00 00 01 00", new byte[512]).execute();
    Lab.Command off = first.begin("15 10 00 00 18 00", Lab.hex(CACHE_OFF)).execute();
    Lab.Command next = first.begin("0a 00 00 00 01 00", new byte[512]).execute();
    assertThat(lab.disk.heldCount()).as("the write").isEqualTo(1);
    lab.disk.letGo();
    lab.scheduler.settle();
    write.result().isGood();
    off.result().isGood();
    next.result().isGood();
    assertThat(lab.disk.flushes()).isEqualTo(1);
    assertThat(lab.disk.durableWrites()).as("what came behind").isEqualTo(1);
  }

  @Test
  void aFlushThatFailsIsTold() {
    lab.disk.fail(IoError.Kind.IO, -1);
    first.send("15 10 00 00 18 00", Lab.hex(CACHE_OFF)).fails("3/0c/00");
  }
}
