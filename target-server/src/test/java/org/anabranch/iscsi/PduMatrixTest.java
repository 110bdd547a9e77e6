// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.initiator.Requests.WRITE;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
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
          "reject 0[45]",
          wire -> wire.connection().send(new Pdu(code).flags(FINAL).taskTag(1)));
    }
    wrong(
        "login in full feature phase",
        "reject 0[45]|drop",
        wire -> wire.connection().send(Requests.login(1, 0, 1, 0, 0x87)));
    wrong(
        "SNACK at level 0",
        "reject 0[345]",
        wire -> wire.connection().send(new Pdu(Opcode.SNACK_REQUEST).flags(FINAL).taskTag(1)));
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
        "more data than a segment may have",
        "(reject 0[49] )?drop",
        wire -> wire.send(Requests.nopOut(1).data(new byte[300_000])));
    wrong(
        "a length that never comes",
        "(reject 0[49] )?drop",
        wire -> wire.send(Requests.nopOut(1).dataSegmentLength(0xff_ffff)));
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
        "|drop",
        wire -> wire.connection().send(ready(wire, 0).cmdSn(wire.cmdSn() + 1)));
    wrong(
        "a write outside the window, with its data",
        "",
        wire ->
            wire.connection()
                .send(wire.write(0, 4096).data(new byte[4096]).cmdSn(wire.cmdSn() + 100_000)));
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
        "reject 0[459]|status 02 .*",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ | WRITE, 512)));
    wrong(
        "neither F nor W",
        "reject 0[49]|drop|data 00",
        wire -> wire.send(Requests.command(0, 1, Cdb.read(0, 1), READ, 512)));
    wrong(
        "the reserved tag",
        "reject 0[49]",
        wire -> wire.send(Requests.command(0, Pdu.NO_TAG, Cdb.testUnitReady(), FINAL, 0)));
    wrong("task attribute 7", "reject 0[49]", wire -> wire.send(ready(wire, 0).flags(FINAL | 7)));
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
          "reject 0[49]|status 0.*|drop",
          wire -> wire.send(ready(wire, 0).ahs(ahs)));
    }
    wrong(
        "additional headers of zeros",
        "reject 0[49]|status 0.*|drop",
        wire -> wire.send(ready(wire, 0).ahs(new byte[40])));
    return tests;
  }

  @TestFactory
  List<DynamicTest> taskManagement() {
    for (int function : new int[] {0, 13, 99, 127}) {
      wrong(
          "function " + function,
          "tmf (05|ff)|reject 0[49]",
          wire -> wire.send(Requests.taskManagement(function, 0, 1, Pdu.NO_TAG, 0)));
    }
    wrong(
        "abort of a task that is not there",
        "tmf 0[01]",
        wire -> wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() - 1)));
    wrong(
        "reset of a LUN that is not there",
        "tmf 02",
        wire -> wire.send(Requests.taskManagement(5, Command.flatLun(99), 1, Pdu.NO_TAG, 0)));
    wrong(
        "task reassign at level 0",
        "tmf (04|05|01)|reject 0[49]",
        wire -> wire.send(Requests.taskManagement(8, 0, 1, 4711, 0)));
    wrong(
        "the reserved tag",
        "tmf .*|reject 0[49]",
        wire -> wire.send(Requests.taskManagement(5, 0, Pdu.NO_TAG, Pdu.NO_TAG, 0)));
    wrong(
        "with data",
        "tmf .*|reject 0[49]|drop",
        wire ->
            wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() - 1).data(new byte[99])));
    return tests;
  }

  @TestFactory
  List<DynamicTest> text() {
    wrong("no keys", "text|reject 0[49]", wire -> wire.send(Requests.text(1, Pdu.NO_TAG)));
    wrong(
        "bytes that are no text",
        "reject 0[49]|text|drop",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data(new byte[] {-1, -2, 0, '=', 0})));
    wrong(
        "a key that nobody knows",
        "text",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("X-org.example.key=1\0")));
    wrong(
        "an operational key of the login",
        "text|reject 0[49]|drop",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("MaxConnections=4\0")));
    wrong(
        "F and C together",
        "reject 0[49]|drop",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).flags(0xc0).data("SendTargets=All\0")));
    wrong(
        "going on with what never began",
        "reject 0[49]|drop",
        wire -> wire.send(Requests.text(1, 0x1234).data("SendTargets=All\0")));
    wrong(
        "a request that never ends",
        "(text ?)*(reject 0[49].*|drop|text)",
        wire -> {
          for (int i = 0; i < 64 && wire.connection().isOpen(); i++) {
            wire.send(Requests.text(1, Pdu.NO_TAG).flags(0x40).data("k".repeat(8000)));
          }
        });
    return tests;
  }

  @TestFactory
  List<DynamicTest> logout() {
    wrong(
        "of a connection that is not there",
        "logout 01",
        wire -> wire.send(Requests.logout(1, 1, 99)));
    wrong("for recovery at level 0", "logout 0[12]", wire -> wire.send(Requests.logout(1, 2, 0)));
    wrong(
        "for an unknown reason",
        "reject 0[49]|logout 03",
        wire -> wire.send(Requests.logout(1, 9, 0)));
    wrong(
        "and then a command",
        // The command is not read any more; TCP may then throw the answer away with a reset.
        "(logout 00 )?drop",
        wire -> {
          wire.send(Requests.logout(1, 0, 0));
          wire.send(ready(wire, 0));
        });
    return tests;
  }

  @TestFactory
  List<DynamicTest> digests() {
    SessionOptions both = options().digests(true, true);
    List<Pdu> samples =
        List.of(
            Requests.nopOut(1).data("ping"),
            Requests.command(0, 1, Cdb.testUnitReady(), FINAL, 0),
            Requests.command(0, 1, Cdb.write(0, 1, false), FINAL | WRITE, 512).data(new byte[512]),
            Requests.taskManagement(5, 0, 1, Pdu.NO_TAG, 0),
            Requests.text(1, Pdu.NO_TAG).data("SendTargets=All\0"),
            Requests.dataOut(0, 1, Pdu.NO_TAG, 0, 0, true).data(new byte[512]),
            Requests.logout(1, 0, 0),
            new Pdu(0x1e).flags(FINAL).data(new byte[3]));
    for (Pdu sample : samples) {
      String name = Opcode.name(sample.opcode()) + ", ";
      wrong(
          name + "header digest flipped, " + sample.dataSegmentLength() + " bytes",
          "drop",
          both,
          wire -> wire.send(sample.copy().corruptHeaderDigest()));
      if (sample.dataSegmentLength() > 0) {
        wrong(
            name + "data digest flipped, " + sample.dataSegmentLength() + " bytes",
            "reject 02.*|(reject 0[49] ?)?drop",
            both,
            wire -> wire.send(sample.copy().corruptDataDigest()));
      }
    }
    wrong(
        "Data-Out that was asked for, data digest flipped",
        "reject 02 status 02 b/.*",
        both.key("InitialR2T", "Yes").key("ImmediateData", "No"),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).corruptDataDigest());
        });
    return tests;
  }

  /** A second command with the tag of one that is in flight. */
  @Test
  void tagInUse() throws Exception {
    try (Wire wire = new Wire(server, options())) {
      server.disk(0).hold();
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      server.disk(0).awaitHeld(1);
      wire.send(read.copy());
      assertThat(wire.outcome(Pattern.compile("reject 07"))).isEqualTo("reject 07");
      server.disk(0).letGo();
      assertThat(wire.outcome(Pattern.compile("data 00"))).isEqualTo("data 00");
      wire.assertWorks();
    } finally {
      server.disk(0).letGo();
    }
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
