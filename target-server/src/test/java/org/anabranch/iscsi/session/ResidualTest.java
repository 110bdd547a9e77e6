// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.initiator.Requests.WRITE;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.Wire;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every command that moves data, with each flag and with too short, right and too long expected
 * lengths (RFC 7143 11.3, 11.4.5): the residual, the status, and whether the medium changed.
 */
final class ResidualTest {
  private static final int BLOCK = 512;

  /** Two blocks at LBA 0x1000, in bytes. */
  private static final int START = 0x1000 * BLOCK;

  private static final int AREA = 2 * BLOCK;

  private static final long LUN = Command.flatLun(1);
  private static final int OVERFLOW = 0x04;
  private static final int UNDERFLOW = 0x02;

  /**
   * A command with data-out.
   *
   * @param bytes data-out that its CDB asks for
   */
  private record Out(String name, String cdb, int bytes) {}

  private static final List<Out> OUT =
      List.of(
          new Out("WRITE (6)", "0a 00 10 00 02 00", AREA),
          new Out("WRITE (10)", "2a 00 00 00 10 00 00 00 02 00", AREA),
          new Out("WRITE (12)", "aa 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("WRITE (16)", "8a 00 00 00 00 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("WRITE AND VERIFY (10)", "2e 00 00 00 10 00 00 00 02 00", AREA),
          new Out("WRITE AND VERIFY (10) bytes", "2e 02 00 00 10 00 00 00 02 00", AREA),
          new Out("WRITE AND VERIFY (12)", "ae 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("WRITE AND VERIFY (16)", "8e 00 00 00 00 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("ORWRITE (16)", "8b 00 00 00 00 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("COMPARE AND WRITE", "89 00 00 00 00 00 00 00 10 00 00 00 00 01 00 00", AREA),
          new Out("WRITE SAME (10)", "41 00 00 00 10 00 00 00 02 00", BLOCK),
          new Out("WRITE SAME (16)", "93 00 00 00 00 00 00 00 10 00 00 00 00 02 00 00", BLOCK),
          new Out("VERIFY (10) bytes", "2f 02 00 00 10 00 00 00 02 00", AREA),
          new Out("VERIFY (10) one block", "2f 06 00 00 10 00 00 00 02 00", BLOCK),
          new Out("VERIFY (16) bytes", "8f 02 00 00 00 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new Out("MODE SELECT (6)", "15 10 00 00 18 00", 24),
          new Out("MODE SELECT (10)", "55 10 00 00 00 00 00 00 1c 00", 28),
          new Out("PERSISTENT RESERVE OUT", "5f 00 00 00 00 00 00 00 18 00", 24),
          new Out("EXTENDED COPY", "83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 16),
          new Out("SANITIZE overwrite", "48 01 00 00 00 00 00 00 06 00", 6));

  /**
   * A command with data-in.
   *
   * @param bytes data-in that it produces, -1 for what is learned from the right answer
   */
  private record In(String name, String cdb, int bytes) {}

  private static final List<In> IN =
      List.of(
          new In("READ (6)", "08 00 10 00 02 00", AREA),
          new In("READ (10)", "28 00 00 00 10 00 00 00 02 00", AREA),
          new In("READ (12)", "a8 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new In("READ (16)", "88 00 00 00 00 00 00 00 10 00 00 00 00 02 00 00", AREA),
          new In("INQUIRY", "12 00 00 00 24 00", 36),
          new In("INQUIRY page 00", "12 01 00 00 06 00", 6),
          new In("MODE SENSE (6)", "1a 08 08 00 18 00", 24),
          new In("READ CAPACITY (10)", "25 00 00 00 00 00 00 00 00 00", 8),
          new In("READ CAPACITY (16)", "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", 32),
          new In("GET LBA STATUS", "9e 12 00 00 00 00 00 00 00 00 00 00 00 18 00 00", 24),
          new In("REPORT LUNS", "a0 00 00 00 00 00 00 00 00 10 00 00", 16),
          new In("REQUEST SENSE", "03 00 00 00 12 00", 18),
          new In("PERSISTENT RESERVE IN", "5e 00 00 00 00 00 00 00 08 00", 8));

  private ServerUnderTest server;
  private Wire wire;

  @BeforeEach
  void start() throws Exception {
    server = new ServerUnderTest(2);
    wire = new Wire(server, options().key("InitialR2T", "Yes").key("ImmediateData", "No"));
    while (answer("ready", "00 00 00 00 00 00", 0, 0).status != 0) {
      // The unit attentions that a new nexus is owed.
    }
  }

  @AfterEach
  void stop() {
    wire.close();
    server.close();
  }

  /** What came of a command. */
  private record Answer(int status, int flags, int residual, int received, boolean changed) {
    void isOver(int bytes) {
      assertThat(flags).as("flags").isEqualTo(OVERFLOW);
      assertThat(residual).as("overflow").isEqualTo(bytes);
    }

    void isUnder(int bytes) {
      assertThat(flags).as("flags").isEqualTo(UNDERFLOW);
      assertThat(residual).as("underflow").isEqualTo(bytes);
    }

    void isExact() {
      assertThat(flags).as("flags").isZero();
      assertThat(residual).as("residual").isZero();
    }

    void nothingDone() {
      assertThat(changed).as("medium changed").isFalse();
    }
  }

  private Answer answer(String name, String cdb, int flags, int expected) throws Exception {
    byte[] old = new byte[AREA];
    Arrays.fill(old, (byte) 0x11);
    System.arraycopy(old, 0, server.disk(1).bytes(), START, AREA);
    Pdu request =
        Requests.command(
            LUN, wire.nextTag(), HexFormat.ofDelimiter(" ").parseHex(cdb), FINAL | flags, expected);
    wire.send(request);
    int received = 0;
    while (true) {
      Pdu pdu = wire.receive();
      assertThat(pdu.taskTag()).as(name).isEqualTo(request.taskTag());
      switch (pdu.opcode()) {
        case Opcode.READY_TO_TRANSFER ->
            wire.send(
                Requests.dataOut(LUN, pdu.taskTag(), pdu.transferTag(), 0, pdu.i32(40), true)
                    .data(data(name, pdu.i32(40), pdu.i32(44))));
        case Opcode.DATA_IN -> {
          received += pdu.dataSegmentLength();
          if ((pdu.flags() & 1) != 0) {
            return ended(pdu, received, old);
          }
        }
        case Opcode.SCSI_RESPONSE -> {
          return ended(pdu, received, old);
        }
        default -> throw new AssertionError(name + ": " + Wire.describe(pdu));
      }
    }
  }

  private Answer ended(Pdu pdu, int received, byte[] old) {
    byte[] now = Arrays.copyOfRange(server.disk(1).bytes(), START, START + AREA);
    boolean changed = !Arrays.equals(now, old);
    assertThat(pdu.i32(40) == 0 || pdu.opcode() == Opcode.DATA_IN).as("bidirectional").isTrue();
    return new Answer(pdu.u8(3), pdu.flags() & 0x1e, pdu.i32(44), received, changed);
  }

  /** What fits each command, so that all of them are GOOD with the right length. */
  private static byte[] data(String name, int offset, int length) {
    byte[] all = new byte[AREA + BLOCK];
    switch (name) {
      case "COMPARE AND WRITE" -> {
        Arrays.fill(all, 0, BLOCK, (byte) 0x11);
        Arrays.fill(all, BLOCK, all.length, (byte) 0x22);
      }
      case "VERIFY (10) bytes", "VERIFY (10) one block", "VERIFY (16) bytes" ->
          Arrays.fill(all, (byte) 0x11);
      case "MODE SELECT (6)", "MODE SELECT (10)" -> {
        int page = name.endsWith("(6)") ? 4 : 8;
        all[page] = 0x08;
        all[page + 1] = 18;
        all[page + 2] = 0x04;
      }
      case "PERSISTENT RESERVE OUT", "EXTENDED COPY" -> {
        // Zeros: unregister, or no descriptors.
      }
      default -> Arrays.fill(all, (byte) 0x22);
    }
    return Arrays.copyOfRange(all, offset, offset + length);
  }

  @TestFactory
  List<DynamicTest> dataOut() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Out out : OUT) {
      add(
          tests,
          out,
          "no flag",
          0,
          0,
          answer -> {
            answer.nothingDone();
            answer.isOver(out.bytes);
          });
      add(
          tests,
          out,
          "R",
          READ,
          out.bytes,
          answer -> {
            answer.nothingDone();
            answer.isUnder(out.bytes);
          });
      add(
          tests,
          out,
          "W, nothing expected",
          WRITE,
          0,
          answer -> {
            answer.nothingDone();
            answer.isOver(out.bytes);
          });
      add(
          tests,
          out,
          "W, less expected",
          WRITE,
          out.bytes / 2,
          answer -> {
            answer.nothingDone();
            answer.isOver(out.bytes - out.bytes / 2);
          });
      add(
          tests,
          out,
          "W, more expected",
          WRITE,
          out.bytes + BLOCK,
          answer -> {
            answer.isUnder(BLOCK);
            assertThat(answer.changed).isEqualTo(answer.status == 0 && writes(out));
          });
      if (!out.name.startsWith("SANITIZE")) {
        add(
            tests,
            out,
            "W",
            WRITE,
            out.bytes,
            answer -> {
              answer.isExact();
              assertThat(answer.status).isZero();
              assertThat(answer.changed).isEqualTo(writes(out));
            });
      }
    }
    return tests;
  }

  private static boolean writes(Out out) {
    return out.name.contains("WRITE") && !out.name.startsWith("VERIFY");
  }

  private interface Check {
    void of(Answer answer);
  }

  private void add(
      List<DynamicTest> tests, Out out, String how, int flags, int expected, Check check) {
    tests.add(
        DynamicTest.dynamicTest(
            out.name + ", " + how, () -> check.of(answer(out.name, out.cdb, flags, expected))));
  }

  @TestFactory
  List<DynamicTest> dataIn() {
    List<DynamicTest> tests = new ArrayList<>();
    for (In in : IN) {
      add(
          tests,
          in,
          "no flag",
          0,
          0,
          0,
          answer -> {
            answer.nothingDone();
            answer.isOver(in.bytes);
          });
      add(
          tests,
          in,
          "W",
          WRITE,
          in.bytes,
          0,
          answer -> {
            answer.nothingDone();
            answer.isUnder(in.bytes);
          });
      add(
          tests,
          in,
          "R, nothing expected",
          READ,
          0,
          0,
          answer -> {
            assertThat(answer.status).isZero();
            answer.isOver(in.bytes);
          });
      int half = in.bytes / 2;
      add(
          tests,
          in,
          "R, less expected",
          READ,
          half,
          half,
          answer -> {
            answer.isOver(in.bytes - half);
            assertThat(answer.status).isZero();
          });
      add(
          tests,
          in,
          "R",
          READ,
          in.bytes,
          in.bytes,
          answer -> {
            answer.isExact();
            assertThat(answer.status).isZero();
          });
      add(
          tests,
          in,
          "R, more expected",
          READ,
          in.bytes + 100,
          in.bytes,
          answer -> {
            answer.isUnder(100);
            assertThat(answer.status).isZero();
          });
    }
    return tests;
  }

  private void add(
      List<DynamicTest> tests,
      In in,
      String how,
      int flags,
      int expected,
      int received,
      Check check) {
    tests.add(
        DynamicTest.dynamicTest(
            in.name + ", " + how,
            () -> {
              Answer answer = answer(in.name, in.cdb, flags, expected);
              assertThat(answer.received).as("received").isEqualTo(received);
              check.of(answer);
            }));
  }
}
