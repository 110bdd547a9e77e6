// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** READ and WRITE of every length, at the edges of the medium, and with too little data. */
final class ReadWriteTest {
  @ParameterizedTest
  @CsvSource({
    "0a 00 01 02 03 00, 08 00 01 02 03 00, 258, 3",
    "0a 00 00 00 00 00, 08 00 00 00 00 00, 0, 256",
    "2a 00 00 00 01 02 00 00 03 00, 28 00 00 00 01 02 00 00 03 00, 258, 3",
    "aa 00 00 00 01 02 00 00 00 03 00 00, a8 00 00 00 01 02 00 00 00 03 00 00, 258, 3",
    "8a 00 00 00 00 00 00 00 01 02 00 00 00 03 00 00,"
        + " 88 00 00 00 00 00 00 00 01 02 00 00 00 03 00 00, 258, 3",
    "2a 18 00 00 1f fd 00 00 03 00, 28 18 00 00 1f fd 00 00 03 00, 8189, 3"
  })
  void whatIsWrittenIsRead(String write, String read, int lba, int blocks) {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    byte[] data = Lab.pattern(blocks * 512, 1);
    initiator.send(write, data).isGood();
    Lab.Result result = initiator.send(read);
    result.isGood();
    assertThat(result.data()).isEqualTo(data);
    byte[] all = initiator.send("28 00 00 00 00 00 00 20 00 00").data();
    assertThat(Arrays.copyOfRange(all, lba * 512, (lba + blocks) * 512)).isEqualTo(data);
  }

  @ParameterizedTest
  @CsvSource({
    "28 00 00 00 20 00 00 00 01 00, 5/21/00",
    "28 00 00 00 1f ff 00 00 02 00, 5/21/00",
    "28 00 00 00 20 01 00 00 00 00, 5/21/00",
    "28 00 ff ff ff ff 00 00 00 00, 5/21/00",
    "88 00 ff ff ff ff ff ff ff ff 00 00 00 01 00 00, 5/21/00",
    "88 00 80 00 00 00 00 00 00 00 00 00 00 00 00 00, 5/21/00",
    "08 1f ff ff 01 00, 5/21/00",
    "88 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 00, 5/24/00",
    "a8 00 00 00 00 00 00 00 40 01 00 00, 5/24/00",
    "28 20 00 00 00 00 00 00 01 00, 5/24/00"
  })
  void whatCannotBeReadIsRefused(String cdb, String code) {
    Lab.disk().initiator().send(cdb).fails(code);
  }

  @Test
  void noBlocksAtTheEndIsNoError() {
    Lab.Initiator initiator = Lab.disk().initiator();
    initiator.send("28 00 00 00 20 00 00 00 00 00").isGood();
    initiator.send("2a 00 00 00 20 00 00 00 00 00").isGood();
  }

  @Test
  void aPartOfABlockIsRefusedAndWritesNothing() {
    Lab.Initiator initiator = Lab.disk().initiator();
    initiator.send("2a 00 00 00 00 00 00 00 04 00", Lab.pattern(700, 5)).fails("5/0e/03");
    assertThat(initiator.send("28 00 00 00 00 00 00 00 04 00").data()).containsOnly(0);
    initiator.send("2a 00 00 00 00 00 00 00 04 00").fails("5/0e/03");
  }

  @Test
  void durabilityIsAskedForByFuaAndByAWriteCacheThatIsOff() {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    initiator.send("2a 00 00 00 00 00 00 00 01 00", new byte[512]).isGood();
    assertThat(lab.disk.durableWrites()).isZero();
    initiator.send("2a 08 00 00 00 00 00 00 01 00", new byte[512]).isGood();
    assertThat(lab.disk.durableWrites()).isEqualTo(1);
    assertThat(lab.disk.flushes()).isZero();
    initiator.send("28 08 00 00 00 00 00 00 01 00").isGood();
    assertThat(lab.disk.flushes()).isEqualTo(1);
    initiator.send("15 10 00 00 18 00", Lab.hex("00 00 00 00 08 12" + " 00".repeat(18))).isGood();
    initiator.send("0a 00 00 00 01 00", new byte[512]).isGood();
    assertThat(lab.disk.durableWrites()).isEqualTo(2);
  }

  @Test
  void synchronizeFlushes() {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    initiator.send("35 00 00 00 00 00 00 00 00 00").isGood();
    assertThat(lab.disk.flushes()).isEqualTo(1);
    lab.disk.hold();
    Lab.Command waits = initiator.begin("35 00 00 00 00 00 00 00 00 00").execute();
    assertThat(waits.isOver()).isFalse();
    initiator.send("91 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00").isGood();
    lab.disk.letGo();
    waits.result().isGood();
    initiator.send("35 00 00 00 20 01 00 00 00 00").fails("5/21/00");
  }

  @Test
  void blocksOf4096Bytes() {
    Lab lab = new Lab(8192, Lab.properties(false, false, true, 4096), ReservationStore.NONE);
    Lab.Initiator initiator = lab.initiator();
    byte[] data = Lab.pattern(8192, 3);
    initiator.send("2a 00 00 00 03 fe 00 00 02 00", data).isGood();
    assertThat(initiator.send("28 00 00 00 03 fe 00 00 02 00").data()).isEqualTo(data);
    initiator.send("28 00 00 00 03 ff 00 00 02 00").fails("5/21/00");
    assertThat(initiator.send("25 00 00 00 00 00 00 00 00 00").data())
        .isEqualTo(Lab.hex("00 00 03 ff 00 00 10 00"));
  }

  /** For {@link #theFirstBlockThatIsNotThereIsTold}, with 8192 blocks. */
  static List<Arguments> beyondTheEnd() {
    List<Arguments> all = new ArrayList<>();
    for (String six : List.of("08", "0a")) {
      all.add(Arguments.of(six + " 00 1f ff 02 00", 0x2000));
      all.add(Arguments.of(six + " 00 20 05 02 00", 0x2005));
    }
    for (String ten : List.of("28", "2a", "2e", "2f", "34", "35", "41")) {
      all.add(Arguments.of(ten + " 00 00 00 1f ff 00 00 02 00", 0x2000));
      all.add(Arguments.of(ten + " 00 00 00 20 05 00 00 02 00", 0x2005));
    }
    for (String twelve : List.of("a8", "aa", "ae", "af")) {
      all.add(Arguments.of(twelve + " 00 00 00 1f ff 00 00 00 02 00 00", 0x2000));
      all.add(Arguments.of(twelve + " 00 00 00 20 05 00 00 00 02 00 00", 0x2005));
    }
    for (String sixteen : List.of("88", "89", "8a", "8b", "8e", "8f", "90", "91", "93")) {
      all.add(Arguments.of(sixteen + " 00 00 00 00 00 00 00 1f ff 00 00 00 02 00 00", 0x2000));
      all.add(Arguments.of(sixteen + " 00 00 00 00 00 00 00 20 05 00 00 00 02 00 00", 0x2005));
    }
    all.add(Arguments.of("9e 12 00 00 00 00 00 00 20 05 00 00 00 20 00 00", 0x2005));
    return all;
  }

  @ParameterizedTest
  @MethodSource("beyondTheEnd")
  void theFirstBlockThatIsNotThereIsTold(String cdb, int block) {
    byte[] data =
        new byte[cdb.startsWith("89") ? 2048 : 1024]; // of two blocks, to compare and to write
    Lab.Result result = Lab.disk().initiator().send(cdb, data);
    result.fails("5/21/00");
    assertThat(result.information()).isEqualTo(block);
  }

  @Test
  void aBlockThatNeeds64BitsIsNotTold() {
    Lab.Result result =
        Lab.disk().initiator().send("88 00 80 00 00 00 00 00 00 00 00 00 00 01 00 00");
    result.fails("5/21/00");
    assertThat(result.sense()[0] & 0xff).as("VALID = 0").isEqualTo(0x70);
  }
}
