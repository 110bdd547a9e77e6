// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.PduMatrix;
import org.anabranch.iscsi.Wire;
import org.anabranch.iscsi.login.IscsiLimits;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Task management, and tags that are in use. */
final class TaskPduMatrixTest extends PduMatrix {
  @TestFactory
  List<DynamicTest> taskManagement() {
    for (int function : new int[] {0, 13, 99, 127}) {
      wrong(
          "function " + function,
          "tmf 05",
          wire -> wire.send(Requests.taskManagement(function, 0, 1, Pdu.NO_TAG, 0)));
    }
    wrong(
        "abort of a task that is not there",
        "tmf 01",
        wire -> wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() - 1)));
    wrong(
        "abort of a task that never will come: RefCmdSN beyond the window",
        "tmf 01",
        wire -> wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() + 100_000)));
    wrong(
        "abort of a task that should have come after this",
        "tmf 01",
        wire -> wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() + 1)));
    wrong(
        "abort of a task that may be on its way (11.5.1)",
        "tmf 00",
        wire ->
            wire.connection()
                .send(
                    Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() + 1)
                        .cmdSn(wire.cmdSn() + 2)));
    wrong(
        "abort of the task that is next, which then counts as come",
        "tmf 00",
        wire ->
            wire.connection()
                .send(
                    Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn()).cmdSn(wire.cmdSn() + 1)));
    wrong(
        "not for immediate delivery",
        "tmf 00",
        wire -> wire.send(Requests.taskManagement(2, 0, 1, Pdu.NO_TAG, 0).immediate(false)));
    wrong(
        "reset of a LUN that is not there",
        "tmf 02",
        wire -> wire.send(Requests.taskManagement(5, Command.flatLun(99), 1, Pdu.NO_TAG, 0)));
    wrong(
        "task reassign at level 0",
        "tmf 04",
        wire -> wire.send(Requests.taskManagement(8, 0, 1, 4711, 0)));
    wrong(
        "the reserved tag",
        "reject 09",
        wire -> wire.send(Requests.taskManagement(5, 0, Pdu.NO_TAG, Pdu.NO_TAG, 0)));
    wrong(
        "with data",
        "tmf 01",
        wire ->
            wire.send(Requests.taskManagement(1, 0, 1, 4711, wire.cmdSn() - 1).data(new byte[99])));
    return tests;
  }

  /** What only means something beside a command that is in flight. */
  private interface BesideARead {
    void send(Wire wire, Pdu read);
  }

  private void beside(String expected, String afterwards, BesideARead act) throws Exception {
    try (Wire wire = new Wire(server, options())) {
      server.disk(0).hold();
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      server.disk(0).awaitHeld(1);
      act.send(wire, read);
      assertThat(wire.outcome(Pattern.compile(expected))).isEqualTo(expected);
      server.disk(0).letGo();
      assertThat(wire.outcome(Pattern.compile(afterwards))).isEqualTo(afterwards);
      wire.assertWorks();
    } finally {
      server.disk(0).letGo();
    }
    server.log().assertClean();
  }

  /** A second command with the tag of one that is in flight. */
  @Test
  void tagInUse() throws Exception {
    beside("reject 07", "data 00", (wire, read) -> wire.send(read.copy()));
  }

  @Test
  void tagInUseByATaskThatIsToBeAborted() throws Exception {
    beside(
        "reject 07",
        "data 00",
        (wire, read) -> wire.send(Requests.taskManagement(1, 0, 5, 5, read.cmdSn())));
  }

  @Test
  void abortThroughAnotherUnit() throws Exception {
    beside(
        "tmf 01",
        "data 00",
        (wire, read) ->
            wire.send(Requests.taskManagement(1, Command.flatLun(1), 6, 5, read.cmdSn())));
  }

  /** Nothing of the read's can be wrong any more; the PDU is, and hears so. */
  @Test
  void dataForACommandThatIsExecuting() throws Exception {
    beside(
        "reject 09 reject 09",
        "data 00",
        (wire, read) -> {
          wire.send(Requests.dataOut(0, 5, Pdu.NO_TAG, 0, 0, true).data(new byte[512]));
          wire.send(Requests.dataOut(0, 5, 1, 0, 0, true).data(new byte[512]));
        });
  }

  /** Each waits for the read, with a list of what it waits for. */
  @Test
  void moreFunctionsThanMayWait() throws Exception {
    int most = IscsiLimits.DEFAULTS.queueDepth() + 16;
    beside(
        "tmf ff tmf ff",
        "tmf 00" + " tmf 00".repeat(most - 1),
        (wire, read) -> {
          for (int tag = 10; tag < 10 + most + 2; tag++) {
            Pdu reset = Requests.taskManagement(5, 0, tag, Pdu.NO_TAG, 0);
            wire.send(reset.immediate(tag % 2 == 0));
          }
        });
  }

  /** What comes behind a logout that waits for a command: its answer is not lost for that. */
  @TestFactory
  List<DynamicTest> behindALogout() {
    Pdu[] wrong = {
      Requests.command(0, 7, Cdb.testUnitReady(), FINAL, 0),
      Requests.nopOut(7).immediate(true).data(new byte[262_148]),
      Requests.nopOut(7).immediate(true).dataSegmentLength(0xff_ffff),
      Requests.taskManagement(7, 0, 7, Pdu.NO_TAG, 0),
      Requests.logout(7, 0, 0)
    };
    for (Pdu pdu : wrong) {
      tests.add(
          DynamicTest.dynamicTest(
              "logout, and then " + pdu,
              () -> {
                try (Wire wire = new Wire(server, options())) {
                  server.disk(0).hold();
                  wire.send(Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512));
                  server.disk(0).awaitHeld(1);
                  wire.send(Requests.logout(6, 0, 0));
                  // One more than is due is a gap.
                  wire.connection()
                      .send(pdu.copy().cmdSn(wire.cmdSn() + (pdu.immediate() ? 0 : 1)));
                  assertThat(wire.connection().awaitClosed(Duration.ofMillis(100))).isFalse();
                  server.disk(0).letGo();
                  assertThat(Wire.describe(wire.receive())).isEqualTo("logout 00");
                  assertThat(wire.connection().awaitClosed(Duration.ofSeconds(30))).isTrue();
                } finally {
                  server.disk(0).letGo();
                }
                server.log().assertClean();
              }));
    }
    return tests;
  }

  /** They stand outside the command window, so they have a bound of their own. */
  @Test
  void moreImmediateCommandsThanAreTaken() throws Exception {
    beside(
        "reject 06",
        "data 00" + " data 00".repeat(8),
        (wire, read) -> {
          for (int tag = 10; tag < 19; tag++) {
            wire.send(Requests.command(0, tag, Cdb.read(0, 1), FINAL | READ, 512).immediate(true));
          }
        });
  }
}
