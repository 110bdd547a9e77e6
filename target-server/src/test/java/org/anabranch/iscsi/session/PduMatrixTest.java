// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.initiator.Requests.WRITE;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.PduMatrix;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every PDU but those that carry data for a write, wrong in every way. */
final class PduMatrixTest extends PduMatrix {
  @TestFactory
  List<DynamicTest> opcodes() {
    for (int code : new int[] {0x07, 0x0b, 0x0f, 0x11, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}) {
      wrong(
          String.format("opcode %02x", code),
          "reject 05",
          wire -> wire.connection().send(new Pdu(code).flags(FINAL).immediate(true)));
    }
    for (int code : new int[] {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f}) {
      wrong(
          "a target's opcode, " + Opcode.name(code),
          "reject 05",
          wire -> wire.connection().send(new Pdu(code).flags(FINAL).taskTag(1)));
    }
    wrong(
        "login in full feature phase",
        "reject 04",
        wire -> wire.send(Requests.login(1, 0, 1, 0, 0x87).data("SessionType=Normal\0")));
    for (int type = 0; type < 4; type++) {
      int flags = FINAL | type;
      wrong(
          "SNACK at level 0, type " + type,
          "reject 03",
          wire -> wire.connection().send(new Pdu(Opcode.SNACK_REQUEST).flags(flags).taskTag(1)));
    }
    return tests;
  }

  @TestFactory
  List<DynamicTest> nopOut() {
    wrong(
        "asking for no answer", "", wire -> wire.send(Requests.nopOut(Pdu.NO_TAG).immediate(true)));
    wrong(
        "answering no ping",
        "(reject 0[49])?",
        wire -> wire.send(Requests.nopOut(Pdu.NO_TAG).immediate(true).transferTag(0x1234)));
    wrong("for a LUN that is not there", "nop", wire -> wire.send(Requests.nopOut(1).lun(-1)));
    wrong("flags of ones", "nop|reject 0[49]", wire -> wire.send(Requests.nopOut(1).flags(0xff)));
    wrong("flags of zeros", "nop|reject 0[49]", wire -> wire.send(Requests.nopOut(1).flags(0)));
    wrong(
        "asking for no answer, and not for immediate delivery",
        "",
        wire -> wire.send(Requests.nopOut(Pdu.NO_TAG).data("unheard")));
    wrong(
        "as long as a segment may be",
        "nop",
        wire -> wire.send(Requests.nopOut(1).data(new byte[262_144])));
    return tests;
  }

  /** Every opcode that an initiator sends, longer than a segment may be, and with more to come. */
  @TestFactory
  List<DynamicTest> lengths() {
    for (Pdu sample : samples()) {
      String name = Opcode.name(sample.opcode());
      wrong(
          name + ", more data than a segment may have",
          "reject 04 drop",
          wire -> wire.send(sample.copy().data(new byte[262_148])));
      wrong(
          name + ", a length that never comes",
          "reject 04 drop",
          wire -> wire.send(sample.copy().dataSegmentLength(0xff_ffff)));
      if (sample.opcode() != Opcode.SCSI_COMMAND) {
        wrong(
            name + ", additional headers where there are none",
            // They are passed over, by their length.
            "(nop|tmf 0[01]|reject 0[359]|text|logout 00 drop)?",
            wire -> wire.send(sample.copy().ahs(new byte[1020])));
        wrong(
            name + ", data that it has no use for",
            "(nop|tmf 0[01]|reject 0[359]|text|logout 00 drop)?",
            wire -> wire.send(sample.copy().data("X-org.example.key=1\0")));
      }
    }
    return tests;
  }

  private static List<Pdu> samples() {
    return List.of(
        Requests.nopOut(1),
        Requests.command(0, 1, Cdb.testUnitReady(), FINAL, 0),
        Requests.taskManagement(1, 0, 1, 4711, 0),
        Requests.text(1, Pdu.NO_TAG),
        Requests.dataOut(0, 1, 77, 0, 0, true),
        Requests.logout(1, 0, 0),
        new Pdu(Opcode.SNACK_REQUEST).flags(FINAL).taskTag(1),
        new Pdu(0x1e).flags(FINAL));
  }

  /** Every opcode that has a CmdSN, with one that is not due. */
  @TestFactory
  List<DynamicTest> numbersOutsideTheWindow() {
    for (Pdu sample : samples()) {
      if (sample.opcode() == Opcode.DATA_OUT
          || sample.opcode() == Opcode.SNACK_REQUEST
          || sample.opcode() == 0x1e) {
        continue;
      }
      for (int distance : new int[] {-1, -100_000, 100_000, 1}) {
        wrong(
            Opcode.name(sample.opcode()) + ", CmdSN " + distance + " from what is due",
            distance == 1 ? "drop" : "",
            wire -> {
              Pdu pdu = sample.copy().immediate(false).data("NopData=1\0");
              wire.connection().send(pdu.cmdSn(wire.cmdSn() + distance));
            });
      }
    }
    return tests;
  }

  @TestFactory
  List<DynamicTest> commandSequence() {
    wrong(
        "CmdSN again", "", wire -> wire.connection().send(ready(wire, 0).cmdSn(wire.cmdSn() - 1)));
    wrong(
        "CmdSN beyond the window",
        "",
        wire -> wire.connection().send(ready(wire, 0).cmdSn(wire.cmdSn() + 100_000)));
    wrong(
        "CmdSN far behind",
        "",
        wire -> wire.connection().send(ready(wire, 0).cmdSn(wire.cmdSn() - 100_000)));
    wrong(
        "CmdSN that leaves a gap",
        "drop",
        wire -> wire.connection().send(ready(wire, 0).cmdSn(wire.cmdSn() + 1)));
    wrong(
        "a write outside the window, with its data",
        "",
        wire ->
            wire.connection()
                .send(wire.write(0, 4096).data(new byte[4096]).cmdSn(wire.cmdSn() + 100_000)));
    return tests;
  }

  /** The number of a PDU that was rejected does not count as received (RFC 7143 7.3). */
  @TestFactory
  List<DynamicTest> numberOfWhatWasRejected() {
    Pdu[] rejected = {
      Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ | WRITE, 512),
      Requests.command(0, Pdu.NO_TAG, Cdb.testUnitReady(), FINAL, 0),
      Requests.command(0, 1, Cdb.testUnitReady(), FINAL, 0).ahs(new byte[40]),
      Requests.taskManagement(5, 0, Pdu.NO_TAG, Pdu.NO_TAG, 0),
      Requests.text(1, 0x1234).data("SendTargets=All\0"),
      Requests.text(1, Pdu.NO_TAG).data("no text"),
      Requests.logout(1, 9, 0),
      Requests.login(1, 0, 1, 0, 0x87),
      new Pdu(0x1e).flags(FINAL)
    };
    for (Pdu pdu : rejected) {
      wrong(
          Opcode.name(pdu.opcode()) + ", rejected, and its number used again",
          "reject 0[459] status 00",
          wire -> {
            int due = wire.cmdSn();
            wire.send(pdu.copy().immediate(false));
            Pdu reject = wire.receive();
            assertThat(reject.expCmdSn()).isEqualTo(due);
            wire.unread(reject);
            wire.connection().send(ready(wire, 0).cmdSn(due));
          });
    }
    return tests;
  }

  @TestFactory
  List<DynamicTest> command() {
    for (long lun : new long[] {Command.flatLun(99), Command.flatLun(9999), -1, 1, 0x0101L << 48}) {
      wrong(
          String.format("LUN %016x", lun), "status 02 5/2500", wire -> wire.send(ready(wire, lun)));
    }
    wrong(
        "operation code ff",
        "status 02 5/2000",
        wire -> wire.send(Requests.command(0, 1, new byte[] {-1, 0, 0, 0, 0, 0}, FINAL, 0)));
    wrong(
        "reads and writes",
        "reject 09",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ | WRITE, 512)));
    wrong(
        "neither F nor W",
        "reject 09",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), READ, 512)));
    wrong(
        "the reserved tag",
        "reject 09",
        wire -> wire.send(Requests.command(0, Pdu.NO_TAG, Cdb.testUnitReady(), FINAL, 0)));
    wrong("task attribute 7", "reject 09", wire -> wire.send(ready(wire, 0).flags(FINAL | 7)));
    wrong(
        "a read that is said to write",
        "(r2t )?(status 0[02].*|reject 0[49]|drop)",
        solicited(),
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), FINAL | WRITE, 512)));
    wrong(
        "a write that is said to read",
        "status 0[02].*|reject 0[49]",
        wire -> wire.send(Requests.command(0, 1, Cdb.write(0, 1, false), FINAL | READ, 512)));
    wrong(
        "a write of nothing",
        "status 0[02].*",
        wire -> wire.send(Requests.command(0, 1, Cdb.write(0, 1, false), FINAL | WRITE, 0)));
    wrong(
        "a read of 4 GiB",
        "data 00|status 0[02].*",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ, -1)));
    wrong(
        "a read beyond the end",
        "status 02 5/2100",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(8192, 1), FINAL | READ, 512)));
    for (int words : new int[] {1, 5, 65, 255}) {
      byte[] ahs = new byte[4 * words];
      ahs[0] = (byte) 0x7f;
      ahs[2] = 9;
      wrong(
          "unknown additional header of " + words + " words",
          "reject 09",
          wire -> wire.send(ready(wire, 0).ahs(ahs)));
    }
    wrong(
        "additional headers of zeros",
        "reject 09",
        wire -> wire.send(ready(wire, 0).ahs(new byte[40])));
    return tests;
  }

  /** Headers with some bits flipped: any answer will do, but no exception and no harm to others. */
  @TestFactory
  List<DynamicTest> flippedBits() {
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      wrong(
          "seed " + seed,
          "(?s).*",
          options().digests(false, seed % 2 == 1),
          wire -> {
            for (int i = 0; i < 4; i++) {
              Pdu pdu =
                  switch (random.nextInt(6)) {
                    case 0 -> Requests.nopOut(i).data("ping");
                    case 1 -> Requests.command(0, i, Cdb.read(0, 8), FINAL | READ, 4096);
                    case 2 -> wire.write(0, 4096).data(new byte[4096]);
                    case 3 -> Requests.taskManagement(1, 0, i, 3, 1);
                    case 4 -> Requests.text(i, Pdu.NO_TAG).data("SendTargets=All\0");
                    default -> Requests.dataOut(0, i, 1, 0, 0, true).data(new byte[512]);
                  };
              wire.send(pdu);
              Pdu flipped = pdu.copy();
              for (int bits = 1 + random.nextInt(4); bits > 0; bits--) {
                // Not the lengths: bytes that never come are a test of their own.
                int at = random.nextInt(44);
                at = at < 4 ? at : at + 4;
                flipped.u8(at, flipped.u8(at) ^ (1 << random.nextInt(8)));
              }
              wire.connection().send(flipped);
            }
          });
    }
    return tests;
  }
}
