// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Designators;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SanitizeTest {
  private static final long SECOND = 1_000_000_000L;

  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  /** Time of each of the 512 steps of a pass. */
  private long stepNanos = 8 * SECOND / 512;

  private void slowDisk() {
    lab.disk.slow(lab.scheduler, stepNanos);
  }

  private Lab.Command overwrite(boolean immediate, int flags, int pattern) {
    byte[] list = new byte[4 + pattern];
    list[0] = (byte) flags;
    BigEndian.put16(list, 2, pattern);
    Arrays.fill(list, 4, list.length, (byte) 0xa5);
    slowDisk();
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
    assertThat(lab.disk.flushes()).isEqualTo(1);
  }

  @Test
  void passesMayInvertButTheLastLeavesThePattern() {
    Lab.Command sanitize = overwrite(false, 0x83, 512);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
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

  /** What frees only whole pieces of up to 32 MiB, as RBD does, frees all of them. */
  @Test
  void blockEraseGivesBackWholePieces() {
    Lab large = new Lab(3 * 65_536 + 100, Lab.properties(), ReservationStore.NONE);
    List<String> discards = new ArrayList<>();
    large.disk.fault(io -> {
      if (io.op() == Io.Op.DISCARD) {
        discards.add(io.sector() + "+" + io.sectors());
      }
      return null;
    });
    large.initiator().send("48 82 00 00 00 00 00 00 00 00").isGood();
    large.scheduler.settle();
    assertThat(discards).containsExactly("0+65536", "65536+65536", "131072+65536", "196608+100");
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
  void itIsAsFastAsTheDevice() {
    stepNanos = 0;
    Lab.Command sanitize = overwrite(false, 0x82, 4);
    lab.scheduler.settle();
    sanitize.result().isGood();
    assertThat(lab.scheduler.nanoTime()).isZero();
    assertThat(all()).isEqualTo(filled(0xa5));
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
    assertThat(lab.disk.heldCount()).isEqualTo(1);
    lab.disk.letGo();
    lab.scheduler.advance(60 * SECOND);
    write.result().isGood();
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
  }

  @Test
  void aFailureKeepsTheUnitShutUntilItIsLeft() {
    Lab.Command sanitize = erase(0x22);
    lab.disk.fail(IoError.Kind.IO, 0);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().fails("3/31/03");
    lab.disk.fail(null, -1);
    initiator.send("28 00 00 00 00 00 00 00 01 00").fails("3/31/03");
    initiator.send("48 1f 00 00 00 00 00 00 00 00").isGood();
    initiator.send("28 00 00 00 00 00 00 00 01 00").isGood();
    initiator.send("48 1f 00 00 00 00 00 00 00 00").isGood();
  }

  @Test
  void aRestrictedFailureIsLeftByAnotherSanitizeOnly() {
    erase(0x82).result().isGood();
    lab.disk.fail(IoError.Kind.IO, 0);
    lab.scheduler.advance(60 * SECOND);
    lab.disk.fail(null, -1);
    initiator.send("48 1f 00 00 00 00 00 00 00 00").fails("5/24/00");
    Lab.Result unrestricted = initiator.send("48 a2 00 00 00 00 00 00 00 00");
    unrestricted.fails("5/24/00");
    assertThat(unrestricted.sense()[15] & 0xff).as("SKSV, C/D, BPV, AUSE").isEqualTo(0xcd);
    assertThat(unrestricted.pointer()).isEqualTo(1);
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
    initiator.send("48 03 00 00 00 00 00 00 08 00", new byte[8]).fails("5/24/00");
    initiator.send("48 04 00 00 00 00 00 00 00 00").fails("5/24/00");
    initiator.send("00 00 00 00 00 00").isGood();
  }

  private Lab.Command erase(int action) {
    slowDisk();
    return initiator.begin(String.format("48 %02x 00 00 00 00 00 00 00 00", action)).execute();
  }

  @Test
  void ofAnEvenNumberOfPassesTheFirstInverts() {
    Lab.Command sanitize = overwrite(false, 0x82, 512);
    lab.scheduler.advance(2 * SECOND);
    byte[] first = new byte[512];
    lab.disk.submit(Io.read(0, ByteBuffer.wrap(first), (io, error) -> {}));
    assertThat(first).containsOnly(0x5a);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
  }

  @Test
  void cryptographicEraseDoesWhatBlockEraseDoes() {
    initiator.send("2a 00 00 00 00 00 00 20 00 00", Lab.pattern(8192 * 512, 1)).isGood();
    Lab.Command sanitize = erase(3);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0));
    byte[] status = initiator.send("9e 12 00 00 00 00 00 00 00 00 00 00 01 00 00 00").data();
    assertThat(Arrays.copyOfRange(status, 8, 24))
        .isEqualTo(Lab.hex("00 00 00 00 00 00 00 00 00 00 20 00 01 00 00 00"));
    assertThat(initiator.send("12 01 b1 00 ff 00").data()[7]).isEqualTo((byte) 0x50);
  }

  /** SBC-3 4.11: what tells of the unit is answered while it works, and behind its failure. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatTellsOfTheUnitIsAnswered(boolean failed) {
    erase(0x82);
    if (failed) {
      lab.disk.fail(IoError.Kind.IO, 0);
      lab.scheduler.advance(60 * SECOND);
    }
    for (String cdb :
        List.of(
            "12 00 00 00 ff 00",
            "a0 00 00 00 00 00 00 00 00 ff 00 00",
            "03 00 00 00 12 00",
            "4d 00 40 00 00 00 00 00 ff 00",
            "25 00 00 00 00 00 00 00 00 00",
            "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
            "1a 08 08 00 ff 00",
            "1a 08 3f 00 ff 00",
            "5a 08 0a 00 00 00 00 00 ff 00",
            "5a 08 1c 00 00 00 00 00 ff 00",
            "a3 0c 00 00 00 00 00 00 10 00 00 00",
            "a3 0d 00 00 00 00 00 00 00 04 00 00")) {
      assertThat(initiator.begin(cdb).execute().result().status()).as(cdb).isEqualTo(Status.GOOD);
    }
    initiator.send("00 00 00 00 00 00").fails(failed ? "3/31/03" : "2/04/1b");
    initiator.send("5e 00 00 00 00 00 00 01 00 00").fails(failed ? "3/31/03" : "2/04/1b");
  }

  @Test
  void leavingWhatHasNotFailedIsGood() {
    initiator.send("48 1f 00 00 00 00 00 00 00 00").isGood();
    initiator.send("48 1f 00 00 00 00 00 00 08 00", new byte[8]).fails("5/24/00");
    erase(0x82);
    initiator.send("48 1f 00 00 00 00 00 00 00 00").fails("2/04/1b");
  }

  @Test
  void whatWaitsForBlocksIsRefusedWhenItBegins() {
    lab.disk.hold();
    String compareAndWrite = "89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00";
    Lab.Command compares = initiator.begin(compareAndWrite, new byte[1024]).execute();
    List<Lab.Command> waiting =
        List.of(
            initiator.begin(compareAndWrite, new byte[1024]).execute(),
            initiator.begin("2a 00 00 00 00 00 00 00 01 00", new byte[512]).execute(),
            initiator.begin("41 00 00 00 00 00 00 00 01 00", new byte[512]).execute(),
            initiator
                .begin("8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", new byte[512])
                .execute(),
            initiator.begin("2e 00 00 00 00 00 00 00 01 00", new byte[512]).execute());
    Lab.Command sanitize = overwrite(false, 1, 512);
    lab.scheduler.settle();
    waiting.forEach(command -> command.result().fails("2/04/1b"));
    assertThat(compares.isOver()).isFalse();
    assertThat(lab.disk.heldCount()).as("the compare's read").isEqualTo(1);
    lab.disk.letGo();
    lab.scheduler.advance(60 * SECOND);
    compares.result().isGood();
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
  }

  @Test
  void aCopyThatIsUnderWayEndsAndWritesNothingMore() {
    byte[] list = copyWithinTheUnit(256);
    lab.disk.hold();
    Lab.Command copy =
        initiator
            .begin(
                String.format(
                    "83 00 00 00 00 00 00 00 00 00 00 00 %02x %02x 00 00",
                    list.length >> 8, list.length & 0xff),
                list)
            .execute();
    Lab.Command sanitize = overwrite(false, 1, 512);
    lab.disk.letGo();
    lab.scheduler.advance(SECOND / 2);
    copy.result().fails("a/0d/02");
    assertThat(BigEndian.u16(copy.result().sense(), 10)).as("segment").isEqualTo(1);
    lab.scheduler.advance(60 * SECOND);
    sanitize.result().isGood();
    assertThat(all()).isEqualTo(filled(0xa5));
  }

  /** So many segments of a block, from block i to block 4096 + i. */
  private byte[] copyWithinTheUnit(int segments) {
    byte[] list = new byte[16 + 32 + 28 * segments];
    list[1] = 3 << 3;
    BigEndian.put16(list, 2, 32);
    BigEndian.put32(list, 8, 28L * segments);
    list[16] = (byte) 0xe4;
    byte[] name = Designators.naa(lab.unit.properties().identity());
    System.arraycopy(name, 0, list, 20, name.length);
    BigEndian.put24(list, 16 + 29, 512);
    for (int i = 0; i < segments; i++) {
      int at = 48 + 28 * i;
      list[at] = 2;
      BigEndian.put16(list, at + 2, 24);
      BigEndian.put16(list, at + 10, 1);
      BigEndian.put64(list, at + 12, i);
      BigEndian.put64(list, at + 20, 4096 + i);
    }
    return list;
  }

  @Test
  void anAbortAndAResetOfOthersDoNotWaitForIt() {
    lab.disk.hold();
    Lab.Command write = initiator.begin("2a 00 00 00 00 00 00 00 01 00", new byte[512]).execute();
    Lab.Command queued =
        initiator
            .begin("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", new byte[1024])
            .execute();
    List<TaskManagementFunction.Response> answers = new ArrayList<>();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.ABORT_TASK, 0, queued.task.tag(), answers::add);
    erase(0x82).result().isGood();
    lab.scheduler.settle();
    assertThat(queued.result().aborted()).isTrue();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.LOGICAL_UNIT_RESET, 0, 0, answers::add);
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(write.result().aborted()).isTrue();
    assertThat(answers)
        .containsExactly(
            TaskManagementFunction.Response.COMPLETE, TaskManagementFunction.Response.COMPLETE);
    initiator.send("00 00 00 00 00 00").fails("6/29/03");
    initiator.send("00 00 00 00 00 00").fails("2/04/1b");
  }
}
