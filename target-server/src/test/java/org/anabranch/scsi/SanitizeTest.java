// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.anabranch.block.IoError;
import org.junit.jupiter.api.Test;

final class SanitizeTest {
  private static final long SECOND = 1_000_000_000L;

  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  private Lab.Command overwrite(boolean immediate, int flags, int pattern) {
    byte[] list = new byte[4 + pattern];
    list[0] = (byte) flags;
    Bytes.put16(list, 2, pattern);
    Arrays.fill(list, 4, list.length, (byte) 0xa5);
    return initiator
        .begin(
            String.format(
                "48 %s 00 00 00 00 00 %02x %02x 00",
                immediate ? "81" : "01", list.length >> 8, list.length & 0xff),
            list)
        .execute();
  }

  private static byte[] filled(int value) {
    byte[] bytes = new byte[8192 * 512];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private byte[] all() {
    Lab.Result result = initiator.send("28 00 00 00 00 00 00 20 00 00");
    result.isGood();
    return result.data();
  }

  @Test
  void overwriteLeavesThePattern() {
    initiator.send("2a 00 00 00 00 00 00 20 00 00", Lab.pattern(8192 * 512, 1)).isGood();
    Lab.Command sanitize = overwrite(false, 1, 4);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
    assertThat(lab.disk.flushes).isEqualTo(1);
  }

  @Test
  void passesMayInvert() {
    Lab.Command sanitize = overwrite(false, 0x82, 512);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0x5a));
  }

  @Test
  void blockEraseGivesAllBlocksBack() {
    initiator.send("2a 00 00 00 00 00 00 20 00 00", Lab.pattern(8192 * 512, 1)).isGood();
    initiator.send("48 82 00 00 00 00 00 00 00 00").isGood();
    lab.scheduler.advance(60 * SECOND);
    assertThat(all()).isEqualTo(filled(0));
    byte[] status = initiator.send("9e 12 00 00 00 00 00 00 00 00 00 00 01 00 00 00").data();
    assertThat(Arrays.copyOfRange(status, 8, 24))
        .isEqualTo(Lab.hex("00 00 00 00 00 00 00 00 00 00 20 00 01 00 00 00"));
  }

  @Test
  void othersWaitOutsideAndSeeTheProgress() {
    overwrite(true, 1, 512).result().isGood();
    lab.scheduler.advance(4 * SECOND);
    Lab.Result refused = initiator.send("00 00 00 00 00 00");
    refused.fails("2/04/1b");
    assertThat(refused.pointer()).as("progress").isBetween(0x4000, 0xc000);
    initiator.send("28 00 00 00 00 00 00 00 01 00").fails("2/04/1b");
    initiator.send("48 82 00 00 00 00 00 00 00 00").fails("2/04/1b");
    initiator.send("1b 00 00 00 01 00").fails("2/04/1b");
    initiator.send("12 00 00 00 ff 00").isGood();
    initiator.send("a0 00 00 00 00 00 00 00 00 ff 00 00").isGood();
    assertThat(initiator.send("03 00 00 00 12 00").data()[13]).isEqualTo((byte) 0x1b);
    lab.scheduler.advance(30 * SECOND);
    initiator.send("00 00 00 00 00 00").isGood();
    assertThat(initiator.send("03 00 00 00 12 00").data()[13]).isZero();
  }

  @Test
  void aSmallUnitTakesEightSeconds() {
    Lab.Command sanitize = overwrite(false, 0x82, 4);
    lab.scheduler.advance(8 * SECOND - 1);
    assertThat(sanitize.isOver()).isFalse();
    lab.scheduler.advance(1);
    sanitize.result().isGood();
  }

  @Test
  void nothingHoldsASlowDeviceBack() {
    lab.disk.hold();
    Lab.Command sanitize = overwrite(false, 1, 4);
    lab.scheduler.advance(8 * SECOND);
    lab.disk.release();
    lab.scheduler.settle();
    sanitize.result().isGood();
  }

  @Test
  void neitherAbortNorResetNorLossOfTheNexusStopsIt() {
    Lab.Command sanitize = overwrite(false, 1, 512);
    lab.scheduler.advance(SECOND);
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.ABORT_TASK, 0, sanitize.task.tag(), answer -> {});
    lab.scheduler.advance(SECOND);
    assertThat(sanitize.result().aborted()).isTrue();
    lab.unit.reset(initiator.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    lab.device.close(initiator.nexus);
    Lab.Initiator next = lab.initiator("iqn.2026-11.org.example:next");
    next.send("00 00 00 00 00 00").fails("2/04/1b");
    lab.scheduler.advance(60 * SECOND);
    assertThat(next.send("28 00 00 00 00 00 00 20 00 00").data()).isEqualTo(filled(0xa5));
  }

  @Test
  void writesUnderWayEndBeforeItBegins() {
    lab.disk.hold();
    Lab.Command write =
        initiator.begin("2a 00 00 00 00 00 00 00 01 00", Lab.pattern(512, 1)).execute();
    Lab.Command sanitize = overwrite(false, 1, 512);
    lab.scheduler.advance(SECOND);
    assertThat(lab.disk.held()).isEqualTo(1);
    lab.disk.release();
    lab.scheduler.advance(60 * SECOND);
    write.result().isGood();
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
  }

  @Test
  void aFailureKeepsTheUnitShutUntilItIsLeft() {
    Lab.Command sanitize = initiator.begin("48 22 00 00 00 00 00 00 00 00").execute();
    lab.disk.fail(IoError.Kind.IO, 0);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().fails("3/31/03");
    lab.disk.fail(null, -1);
    initiator.send("28 00 00 00 00 00 00 00 01 00").fails("3/31/03");
    initiator.send("48 1f 00 00 00 00 00 00 00 00").isGood();
    initiator.send("28 00 00 00 00 00 00 00 01 00").isGood();
    initiator.send("48 1f 00 00 00 00 00 00 00 00").fails("5/24/00");
  }

  @Test
  void aRestrictedFailureIsLeftByAnotherSanitizeOnly() {
    initiator.send("48 82 00 00 00 00 00 00 00 00").isGood();
    lab.disk.fail(IoError.Kind.IO, 0);
    lab.scheduler.advance(60 * SECOND);
    lab.disk.fail(null, -1);
    initiator.send("48 1f 00 00 00 00 00 00 00 00").fails("5/24/00");
    initiator.send("48 82 00 00 00 00 00 00 00 00").isGood();
    lab.scheduler.advance(60 * SECOND);
    initiator.send("28 00 00 00 00 00 00 00 01 00").isGood();
  }

  @Test
  void badListsAreRefused() {
    overwrite(false, 0, 512).result().fails("5/26/00");
    overwrite(false, 0x21, 512).result().fails("5/26/00");
    overwrite(false, 1, 0).result().fails("5/24/00");
    overwrite(false, 1, 513).result().fails("5/24/00");
    initiator.send("48 02 00 00 00 00 00 00 08 00", new byte[8]).fails("5/24/00");
    initiator.send("48 03 00 00 00 00 00 00 00 00").fails("5/24/00");
    initiator.send("00 00 00 00 00 00").isGood();
  }
}
