// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.IoError;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Designators;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.junit.jupiter.api.Test;

/** EXTENDED COPY and RECEIVE COPY RESULTS. */
final class CopyTest {
  private final Lab lab = Lab.disk();
  private final TestDevice otherDisk = new TestDevice(8192).thin();
  private final LogicalUnit other =
      DiskUnit.of(
          otherDisk, UnitProperties.disk(UnitIdentity.of(Lab.TARGET, "other")), lab.scheduler);
  private final Lab.Initiator initiator;

  CopyTest() {
    lab.device.attach(1, other, name -> true);
    initiator = lab.initiator();
    initiator.sendTo(1, "00 00 00 00 00 00").fails("6/29/00");
  }

  private static byte[] target(byte[] designator) {
    byte[] descriptor = new byte[32];
    descriptor[0] = (byte) 0xe4;
    System.arraycopy(designator, 0, descriptor, 4, Math.min(designator.length, 24));
    BigEndian.put24(descriptor, 29, 512);
    return descriptor;
  }

  private static byte[] segment(int source, int target, int blocks, long from, long to) {
    byte[] descriptor = new byte[28];
    descriptor[0] = 2;
    BigEndian.put16(descriptor, 2, 24);
    BigEndian.put16(descriptor, 4, source);
    BigEndian.put16(descriptor, 6, target);
    BigEndian.put16(descriptor, 10, blocks);
    BigEndian.put64(descriptor, 12, from);
    BigEndian.put64(descriptor, 20, to);
    return descriptor;
  }

  private static byte[] bytesSegment(int source, int target, long bytes, long from, long to) {
    byte[] descriptor = new byte[32];
    descriptor[0] = 0x0a;
    BigEndian.put16(descriptor, 2, 28);
    BigEndian.put16(descriptor, 4, source);
    BigEndian.put16(descriptor, 6, target);
    BigEndian.put32(descriptor, 8, bytes);
    BigEndian.put64(descriptor, 12, from);
    BigEndian.put64(descriptor, 20, to);
    return descriptor;
  }

  private byte[] list(int id, int usage, byte[]... segments) {
    byte[] targets = new byte[64];
    System.arraycopy(target(Designators.naa(lab.unit.properties().identity())), 0, targets, 0, 32);
    System.arraycopy(target(Designators.t10(other.properties().identity())), 0, targets, 32, 32);
    int length = Arrays.stream(segments).mapToInt(each -> each.length).sum();
    byte[] list = new byte[16 + 64 + length];
    list[0] = (byte) id;
    list[1] = (byte) (usage << 3);
    BigEndian.put16(list, 2, 64);
    BigEndian.put32(list, 8, length);
    System.arraycopy(targets, 0, list, 16, 64);
    int at = 80;
    for (byte[] segment : segments) {
      System.arraycopy(segment, 0, list, at, segment.length);
      at += segment.length;
    }
    return list;
  }

  private static String cdb(byte[] list) {
    return String.format(
        "83 00 00 00 00 00 00 00 00 00 00 00 %02x %02x 00 00",
        list.length >> 8, list.length & 0xff);
  }

  private Lab.Result copy(byte[] list) {
    return initiator.send(cdb(list), list);
  }

  @Test
  void copiesBetweenUnitsAndWithinOne() {
    byte[] data = Lab.pattern(2000 * 512, 1);
    initiator.send("2a 00 00 00 00 64 00 07 d0 00", data).isGood();
    copy(list(0, 3, segment(0, 1, 2000, 100, 5000), bytesSegment(1, 0, 512 * 10, 5000, 0)))
        .isGood();
    assertThat(initiator.sendTo(1, "28 00 00 00 13 88 00 07 d0 00").data()).isEqualTo(data);
    assertThat(initiator.send("28 00 00 00 00 00 00 00 0a 00").data())
        .isEqualTo(Arrays.copyOf(data, 5120));
  }

  @Test
  void resultsAreHeldUntilAskedFor() {
    String status = "84 00 07 00 00 00 00 00 00 00 00 00 00 40 00 00";
    initiator.send(status).fails("5/24/00");
    copy(list(7, 0, segment(0, 1, 8, 0, 0))).isGood();
    assertThat(initiator.send(status).data())
        .isEqualTo(Lab.hex("00 00 00 08 01 00 01 00 00 00 10 00"));
    initiator.send(status).fails("5/24/00");
    copy(list(7, 2, segment(0, 1, 8, 0, 0))).isGood();
    initiator.send(status).fails("5/24/00");
  }

  @Test
  void aCopyAtWorkIsShownAndItsIdentifierIsTaken() {
    lab.disk.hold();
    byte[] list = list(9, 0, segment(0, 1, 8, 0, 0));
    Lab.Command copy = initiator.begin(cdb(list), list).execute();
    copy(list).fails("5/00/16");
    byte[] status = initiator.send("84 00 09 00 00 00 00 00 00 00 00 00 00 40 00 00").data();
    assertThat(status[4]).as("in progress").isZero();
    lab.disk.letGo();
    lab.scheduler.settle();
    copy.result().isGood();
  }

  /** The task is of one unit, and its write at another: there, too, nothing overtakes it. */
  @Test
  void aCopyThatIsDisownedHoldsItsTargetBack() {
    initiator.send("2a 00 00 00 00 00 00 00 01 00", Lab.pattern(512, 1)).isGood();
    otherDisk.hold();
    byte[] list = list(9, 0, segment(0, 1, 1, 0, 0));
    Lab.Command copy = initiator.begin(cdb(list), list).execute();
    lab.scheduler.settle();
    assertThat(otherDisk.heldCount()).isEqualTo(1);
    List<TaskManagementFunction.Response> answers = new ArrayList<>();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.LOGICAL_UNIT_RESET, 0, 0, answers::add);
    lab.scheduler.advance(1_000_000_000);
    assertThat(answers).hasSize(1);
    assertThat(copy.isDisowned()).isTrue();
    Lab.Command later =
        initiator.beginAt(1, "2a 00 00 00 00 00 00 00 01 00", Lab.pattern(512, 2)).execute();
    lab.scheduler.settle();
    assertThat(otherDisk.heldCount()).isEqualTo(1);
    otherDisk.letGo();
    lab.scheduler.settle();
    assertThat(copy.result().aborted()).isTrue();
    later.result().isGood();
    assertThat(initiator.sendTo(1, "28 00 00 00 00 00 00 00 01 00").data())
        .isEqualTo(Lab.pattern(512, 2));
  }

  @Test
  void heldResultsAreBounded() {
    for (int id = 0; id < 256; id++) {
      copy(list(id, 0, segment(0, 1, 1, 0, 0))).isGood();
    }
    initiator.send("84 00 00 00 00 00 00 00 00 00 00 00 00 40 00 00").fails("5/24/00");
    initiator.send("84 00 ff 00 00 00 00 00 00 00 00 00 00 40 00 00").isGood();
  }

  @Test
  void operatingParametersAndThePageAgree() {
    byte[] parameters = initiator.send("84 03 00 00 00 00 00 00 00 00 00 00 00 ff 00 00").data();
    byte[] page = initiator.send("12 01 8f 01 00 00").data();
    assertThat(BigEndian.u32(parameters, 0)).isEqualTo(parameters.length - 4);
    assertThat(BigEndian.u16(parameters, 8)).isEqualTo(16).isEqualTo(BigEndian.u16(page, 16 + 8));
    assertThat(BigEndian.u16(parameters, 10))
        .isEqualTo(256)
        .isEqualTo(BigEndian.u16(page, 16 + 10));
    assertThat(BigEndian.u32(parameters, 16)).isEqualTo(16 << 20);
  }

  @Test
  void badListsAreRefused() {
    byte[] good = list(0, 3, segment(0, 1, 8, 0, 0));
    initiator.send("83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00").isGood();
    copy(Arrays.copyOf(good, 10)).fails("5/1a/00");
    copy(Arrays.copyOf(good, good.length - 1)).fails("5/1a/00");
    byte[] unknownTarget = good.clone();
    unknownTarget[16] = (byte) 0xe0;
    copy(unknownTarget).fails("5/26/07");
    byte[] unknownSegment = good.clone();
    unknownSegment[80] = 3;
    copy(unknownSegment).fails("5/26/09");
    byte[] inline = good.clone();
    inline[15] = 1;
    copy(inline).fails("5/26/0b");
    byte[] otherBlocks = good.clone();
    otherBlocks[16 + 30] = 16;
    copy(otherBlocks).fails("5/26/00");
    copy(list(0, 3, segment(0, 2, 8, 0, 0))).fails("a/0d/02");
    copy(list(0, 3, segment(0, 1, 8, 8190, 0))).fails("a/00/00");
    copy(list(0, 3, segment(0, 1, 8, 0, 8190))).fails("a/00/00");
    copy(list(0, 3, bytesSegment(0, 1, 100, 0, 0))).fails("a/26/0a");
    copy(list(0, 3, bytesSegment(0, 1, 16 << 20, 0, 0))).fails("a/00/00"); // Beyond the end.
    copy(list(0, 3, bytesSegment(0, 1, (16 << 20) + 512, 0, 0))).fails("5/26/00");
    byte[][] many = new byte[257][];
    Arrays.fill(many, segment(0, 1, 1, 0, 0));
    copy(list(0, 3, many)).fails("5/26/08");
  }

  @Test
  void manySegmentsInOneList() {
    byte[][] many = new byte[256][];
    for (int i = 0; i < many.length; i++) {
      many[i] = segment(0, 1, 1, i, 255 - i);
    }
    byte[] data = Lab.pattern(256 * 512, 3);
    initiator.send("2a 00 00 00 00 00 00 01 00 00", data).isGood();
    copy(list(0, 3, many)).isGood();
    byte[] read = initiator.sendTo(1, "28 00 00 00 00 00 00 01 00 00").data();
    for (int i = 0; i < 256; i++) {
      assertThat(Arrays.copyOfRange(read, (255 - i) * 512, (256 - i) * 512))
          .isEqualTo(Arrays.copyOfRange(data, i * 512, (i + 1) * 512));
    }
  }

  @Test
  void whatTheInitiatorCouldNotDoItselfIsRefused() {
    Lab.Initiator rival = lab.initiator("iqn.2026-11.org.example:rival");
    rival.sendTo(1, "00 00 00 00 00 00").fails("6/29/00");
    rival.sendTo(1, "16 00 00 00 00 00").isGood();
    copy(list(0, 3, segment(0, 1, 8, 0, 0))).fails("a/0d/02");
    rival.sendTo(1, "17 00 00 00 00 00").isGood();
    lab.device.detach(1);
    initiator.send("00 00 00 00 00 00").fails("6/3f/0e");
    copy(list(0, 3, segment(0, 1, 8, 0, 0))).fails("a/0d/02");
  }

  @Test
  void aSegmentThatFailsIsNamed() {
    otherDisk.fail(IoError.Kind.IO, 0);
    Lab.Result result = copy(list(0, 3, segment(0, 0, 8, 0, 100), segment(0, 1, 8, 0, 0)));
    result.fails("a/0d/01");
    assertThat(result.sense()[0] & 0xff).as("nothing of it was written").isEqualTo(0x70);
    assertThat(BigEndian.u16(result.sense(), 10)).as("segment").isEqualTo(1);
  }

  @Test
  void anAbortStopsBetweenTwoPieces() {
    lab.disk.hold();
    byte[] list = list(0, 3, segment(0, 1, 8000, 0, 0));
    Lab.Command copy = initiator.begin(cdb(list), list).execute();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.ABORT_TASK, 0, copy.task.tag(), answer -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(copy.result().aborted()).isTrue();
    initiator.sendTo(1, "2a 00 00 00 00 00 00 00 01 00", new byte[512]).isGood();
  }

  @Test
  void anAbortedCopyIsNotHeldAsACompletedOne() {
    lab.disk.hold();
    byte[] list = list(5, 0, segment(0, 1, 8000, 0, 0));
    Lab.Command copy = initiator.begin(cdb(list), list).execute();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.ABORT_TASK, 0, copy.task.tag(), answer -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    byte[] status = initiator.send("84 00 05 00 00 00 00 00 00 00 00 00 00 40 00 00").data();
    assertThat(status[4]).as("completed with errors").isEqualTo((byte) 2);
    assertThat(BigEndian.u16(status, 5)).as("segments").isZero();
  }

  /** Else those who hold a buffer would wait for those who hold blocks, and the other way round. */
  @Test
  void aCopyHoldsNoBufferWhileItWaitsForBlocks() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      byte[] list = list(0, 3, segment(0, 0, 8, 0, 1000 + 8 * i), segment(0, 0, 8, 0, 100));
      commands.add(initiator.begin(cdb(list), list).execute());
    }
    assertThat(lab.disk.heldCount()).as("a buffer for each copy").isEqualTo(4);
    commands.add(
        initiator
            .begin("89 00 00 00 00 00 00 00 00 64 00 00 00 01 00 00", new byte[1024])
            .execute());
    commands.add(
        initiator
            .begin("8b 00 00 00 00 00 00 00 00 65 00 00 00 01 00 00", new byte[512])
            .execute());
    assertThat(lab.disk.heldCount()).as("the others wait for a buffer").isEqualTo(4);
    lab.disk.letGo();
    lab.scheduler.settle();
    commands.forEach(command -> command.result().isGood());
  }

  @Test
  void aSegmentThatFailsBehindAPartTellsHowMuchIsLeft() {
    otherDisk.failAt(600);
    Lab.Result result = copy(list(0, 3, segment(0, 1, 1000, 0, 0)));
    result.fails("a/0d/01");
    assertThat(result.information()).as("blocks not written").isEqualTo(1000 - 512);
    assertThat(BigEndian.u16(result.sense(), 10)).as("segment").isZero();
    initiator
        .send("15 10 00 00 10 00", Lab.hex("00 00 00 00 0a 0a 04 10 00 00 00 00 ff ff 00 00"))
        .isGood();
    assertThat(copy(list(0, 3, segment(0, 0, 1, 0, 0), segment(0, 1, 1000, 0, 0))).sense())
        .isEqualTo(
            Lab.hex(
                "72 0a 0d 01 00 00 00 18 00 0a 80 00 00 00 00 00 00 00 01 e8"
                    + " 01 0a 00 00 00 00 00 01 00 00 00 00"));
  }

  @Test
  void aSegmentIsCheckedAgainWhenItsTurnComes() {
    Lab.Initiator rival = lab.initiator("iqn.2026-11.org.example:rival");
    rival.sendTo(1, "00 00 00 00 00 00").fails("6/29/00");
    lab.disk.hold();
    byte[] list = list(0, 3, segment(0, 0, 8, 0, 100), segment(0, 1, 8, 0, 0));
    Lab.Command copy = initiator.begin(cdb(list), list).execute();
    rival.sendTo(1, "16 00 00 00 00 00").isGood();
    lab.disk.letGo();
    lab.scheduler.settle();
    copy.result().fails("a/0d/02");
    assertThat(BigEndian.u16(copy.result().sense(), 10)).as("segment").isEqualTo(1);
  }
}
