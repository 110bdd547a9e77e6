// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;

import java.util.List;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.PduMatrix;
import org.anabranch.iscsi.Wire;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Data for writes, wrong in every way: at once, unsolicited, and asked for. */
final class DataPduMatrixTest extends PduMatrix {
  private static final String UNEXPECTED = "status 02 b/0c0c";
  private static final String WRONG_AMOUNT = "status 02 b/0c0d";
  private static final String OUT_OF_SEQUENCE = "status 02 b/4705";

  @TestFactory
  List<DynamicTest> dataAtOnce() {
    wrong(
        "immediate data that was not agreed on",
        UNEXPECTED,
        solicited(),
        wire -> wire.send(wire.write(0, 4096).data(new byte[4096])));
    wrong(
        "unsolicited data that was not agreed on",
        UNEXPECTED,
        solicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 0, 0, 4096, true));
        });
    wrong(
        "unsolicited data that was not agreed on, announced and not sent",
        UNEXPECTED,
        solicited(),
        wire -> startUnsolicited(wire, 4096));
    wrong(
        "unsolicited data that was not agreed on, without F",
        UNEXPECTED,
        solicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 0, 0, 2048, false));
        });
    wrong(
        "all of the data with the command, and no F",
        WRONG_AMOUNT,
        unsolicited(),
        wire -> {
          Pdu write = wire.write(0, 4096);
          wire.send(write.flags(write.flags() & ~FINAL).data(new byte[4096]));
        });
    wrong(
        "all of the first burst with the command, and no F",
        WRONG_AMOUNT,
        unsolicited().key("FirstBurstLength", "4096"),
        wire -> {
          Pdu write = wire.write(0, 8192);
          wire.send(write.flags(write.flags() & ~FINAL).data(new byte[4096]));
        });
    wrong(
        "all of the data with the command, and F alone behind it",
        "status 00",
        unsolicited(),
        wire -> {
          Pdu write = wire.write(0, 4096);
          wire.send(write.flags(write.flags() & ~FINAL).data(new byte[4096]));
          wire.send(unsolicited(write, 0, 4096, 0, true));
        });
    wrong(
        "more immediate data than the first burst",
        WRONG_AMOUNT,
        unsolicited().key("FirstBurstLength", "4096"),
        wire -> wire.send(wire.write(0, 8192).data(new byte[8192])));
    wrong(
        "more immediate data than the command has",
        WRONG_AMOUNT,
        unsolicited(),
        wire -> wire.send(wire.write(0, 512).data(new byte[1024])));
    wrong(
        "immediate data with a read",
        UNEXPECTED,
        unsolicited(),
        wire ->
            wire.send(
                Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ, 512).data(new byte[512])));
    return tests;
  }

  @TestFactory
  List<DynamicTest> unsolicitedData() {
    SessionOptions firstBurst = unsolicited().key("FirstBurstLength", "4096");
    wrong(
        "more than the first burst",
        WRONG_AMOUNT,
        firstBurst,
        wire -> {
          Pdu write = startUnsolicited(wire, 16384);
          wire.send(unsolicited(write, 0, 0, 8192, true));
        });
    wrong(
        "more than the command has",
        WRONG_AMOUNT,
        unsolicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 0, 0, 8192, true));
        });
    wrong(
        "less than the first burst (11.4.7.2)",
        WRONG_AMOUNT,
        firstBurst,
        wire -> {
          Pdu write = startUnsolicited(wire, 16384);
          wire.send(unsolicited(write, 0, 0, 2048, true));
        });
    wrong(
        "less than the command, which the first burst would hold: the rest is asked for",
        "r2t",
        unsolicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 8192);
          wire.send(unsolicited(write, 0, 0, 4096, true));
        });
    wrong(
        "no F at the end",
        WRONG_AMOUNT,
        unsolicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 0, 0, 4096, false));
        });
    wrong(
        "F alone behind the end",
        "status 00",
        unsolicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 0, 0, 4096, false));
          wire.send(unsolicited(write, 1, 4096, 0, true));
        });
    wrong(
        "DataSN that leaves a gap",
        OUT_OF_SEQUENCE,
        unsolicited(),
        wire -> {
          Pdu write = startUnsolicited(wire, 4096);
          wire.send(unsolicited(write, 1, 0, 4096, true));
        });
    wrong(
        "when the command had F",
        // It fails, and is asked for no more.
        "(r2t )?" + UNEXPECTED,
        unsolicited(),
        wire -> {
          Pdu write = wire.write(0, 4096);
          wire.send(write);
          wire.send(unsolicited(write, 0, 0, 4096, true));
          Pdu r2t = wire.receive();
          wire.unread(r2t);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    return tests;
  }

  private static Pdu startUnsolicited(Wire wire, int bytes) {
    Pdu write = wire.write(0, bytes);
    wire.send(write.flags(write.flags() & ~FINAL));
    return write;
  }

  private static Pdu unsolicited(Pdu write, int dataSn, int offset, int bytes, boolean isFinal) {
    return Requests.dataOut(0, write.taskTag(), Pdu.NO_TAG, dataSn, offset, isFinal)
        .data(new byte[bytes]);
  }

  @TestFactory
  List<DynamicTest> dataOut() {
    wrong(
        "for no task",
        "reject 09",
        wire -> wire.send(Requests.dataOut(0, 77, 1, 0, 0, true).data(new byte[512])));
    wrong(
        "for no task, unsolicited",
        "reject 09",
        wire -> wire.send(Requests.dataOut(0, 77, Pdu.NO_TAG, 0, 0, true).data(new byte[512])));
    wrong(
        "for the reserved task tag",
        "reject 09",
        wire -> wire.send(Requests.dataOut(0, Pdu.NO_TAG, 1, 0, 0, true).data(new byte[512])));
    // What is wrong with a burst that was asked for: 8 KiB, in two PDUs.
    burst("DataSN again", OUT_OF_SEQUENCE, 0, 0, 4096, false, 0, 4096, 4096, true);
    burst("DataSN that leaves a gap", OUT_OF_SEQUENCE, 0, 0, 4096, false, 5, 4096, 4096, true);
    burst("DataSN that begins with 1", OUT_OF_SEQUENCE, 1, 0, 4096, false, 2, 4096, 4096, true);
    burst("an offset that leaves a gap", OUT_OF_SEQUENCE, 0, 0, 2048, false, 1, 4096, 4096, true);
    burst("an offset that goes back", OUT_OF_SEQUENCE, 0, 0, 4096, false, 1, 0, 4096, true);
    burst("an offset beyond the end", OUT_OF_SEQUENCE, 0, 0, 4096, false, 1, 1 << 20, 4096, true);
    burst("a negative offset", OUT_OF_SEQUENCE, 0, 0, 4096, false, 1, -4096, 4096, true);
    burst("data beyond the burst", WRONG_AMOUNT, 0, 0, 4096, false, 1, 4096, 8192, true);
    burst("F before the burst is complete", WRONG_AMOUNT, 0, 0, 2048, true, 0, 0, 0, false);
    burst("F and no data", WRONG_AMOUNT, 0, 0, 0, true, 0, 0, 0, false);
    burst("no F at the end", WRONG_AMOUNT, 0, 0, 4096, false, 1, 4096, 4096, false);
    wrong(
        "F alone behind the end",
        "status 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 8192);
          wire.send(Wire.dataFor(r2t, 0, 0, 8192, false));
          wire.send(Wire.dataFor(r2t, 1, 8192, 0, true));
        });
    wrong(
        "no data in the middle",
        "status 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 8192);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, false));
          wire.send(Wire.dataFor(r2t, 1, 4096, 0, false));
          wire.send(Wire.dataFor(r2t, 2, 4096, 4096, true));
        });
    wrong(
        "another transfer tag",
        "reject 09 status 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).transferTag(r2t.transferTag() + 1));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    wrong(
        "another LUN",
        "reject 09 status 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).lun(Command.flatLun(1)));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    wrong(
        "unsolicited, where it was asked for",
        UNEXPECTED,
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).transferTag(Pdu.NO_TAG));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    wrong(
        "the second burst before the first",
        "reject 09 status 00",
        solicited().key("MaxOutstandingR2T", "2").key("MaxBurstLength", "4096"),
        wire -> {
          Pdu first = wire.startWrite(0, 8192);
          Pdu second = wire.receive();
          wire.send(Wire.dataFor(second, 0, 4096, 4096, true));
          wire.send(Wire.dataFor(first, 0, 0, 4096, true));
          wire.send(Wire.dataFor(second, 0, 4096, 4096, true));
        });
    wrong(
        "the second burst, when the first is complete but for its F",
        WRONG_AMOUNT,
        solicited().key("MaxOutstandingR2T", "2").key("MaxBurstLength", "4096"),
        wire -> {
          Pdu first = wire.startWrite(0, 8192);
          Pdu second = wire.receive();
          wire.send(Wire.dataFor(first, 0, 0, 4096, false));
          wire.send(Wire.dataFor(second, 0, 4096, 4096, true));
        });
    wrong(
        "after the burst was complete",
        "status 00 reject 09|reject 09 status 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    wrong(
        "never, and then an abort",
        "tmf 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 2048, false));
          wire.send(Requests.taskManagement(1, 0, wire.nextTag(), r2t.taskTag(), wire.cmdSn() - 1));
        });
    wrong(
        "late, for a task that was aborted",
        "tmf 00",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Requests.taskManagement(1, 0, wire.nextTag(), r2t.taskTag(), wire.cmdSn() - 1));
          wire.send(Wire.dataFor(r2t, 0, 0, 2048, false));
          wire.send(Wire.dataFor(r2t, 1, 2048, 2048, true));
        });
    return tests;
  }

  /** Two Data-Outs that answer one R2T; the second is left out when it has no bytes. */
  private void burst(
      String name,
      String expected,
      int sn1,
      int offset1,
      int bytes1,
      boolean final1,
      int sn2,
      int offset2,
      int bytes2,
      boolean final2) {
    wrong(
        name,
        expected,
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 8192);
          wire.send(Wire.dataFor(r2t, sn1, offset1, bytes1, final1));
          if (bytes2 > 0) {
            wire.send(Wire.dataFor(r2t, sn2, offset2, bytes2, final2));
          }
        });
  }
}
