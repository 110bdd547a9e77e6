// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;

import java.util.List;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Data for writes, wrong in every way: at once, unsolicited, and asked for. */
final class DataPduMatrixTest extends PduMatrix {
  @TestFactory
  List<DynamicTest> dataAtOnce() {
    String refused = "status 02 .*|reject 0[49].*|drop";
    wrong(
        "immediate data that was not agreed on",
        refused,
        solicited(),
        wire -> wire.send(wire.write(0, 4096).data(new byte[4096])));
    wrong(
        "unsolicited data that was not agreed on",
        refused,
        solicited(),
        wire -> {
          Pdu write = wire.write(0, 4096);
          wire.send(write.flags(write.flags() & ~FINAL));
          wire.send(
              Requests.dataOut(0, write.taskTag(), Pdu.NO_TAG, 0, 0, true).data(new byte[4096]));
        });
    wrong(
        "more immediate data than the first burst",
        refused,
        unsolicited().key("FirstBurstLength", "4096"),
        wire -> wire.send(wire.write(0, 8192).data(new byte[8192])));
    wrong(
        "more immediate data than the command has",
        refused,
        unsolicited(),
        wire -> wire.send(wire.write(0, 512).data(new byte[1024])));
    wrong(
        "more unsolicited data than the first burst",
        refused,
        unsolicited().key("FirstBurstLength", "4096"),
        wire -> {
          Pdu write = wire.write(0, 16384);
          wire.send(write.flags(write.flags() & ~FINAL));
          wire.send(
              Requests.dataOut(0, write.taskTag(), Pdu.NO_TAG, 0, 0, true).data(new byte[8192]));
        });
    wrong(
        "immediate data with a read",
        "status 0.*|data 00|reject 0[49]|drop",
        unsolicited(),
        wire ->
            wire.send(
                Requests.command(0, 1, Cdb.read(0, 1), FINAL | READ, 512).data(new byte[512])));
    return tests;
  }

  @TestFactory
  List<DynamicTest> dataOut() {
    wrong(
        "for no task",
        "(reject 0[49])?",
        wire -> wire.send(Requests.dataOut(0, 77, 1, 0, 0, true).data(new byte[512])));
    wrong(
        "for no task, unsolicited",
        "(reject 0[49])?",
        wire -> wire.send(Requests.dataOut(0, 77, Pdu.NO_TAG, 0, 0, true).data(new byte[512])));
    // What is wrong with a burst that was asked for: 8 KiB, in two PDUs.
    burst("DataSN again", 0, 0, 4096, false, 0, 4096, 4096, true);
    burst("DataSN that leaves a gap", 0, 0, 4096, false, 5, 4096, 4096, true);
    burst("an offset that leaves a gap", 0, 0, 2048, false, 1, 4096, 4096, true);
    burst("an offset that goes back", 0, 0, 4096, false, 1, 0, 4096, true);
    burst("an offset beyond the command", 0, 0, 4096, false, 1, 1 << 20, 4096, true);
    burst("a negative offset", 0, 0, 4096, false, 1, -4096, 4096, true);
    burst("data beyond the burst", 0, 0, 4096, false, 1, 4096, 8192, true);
    burst("F before the burst is complete", 0, 0, 2048, true, 0, 0, 0, false);
    wrong(
        "no F at the end",
        // The burst's length says as much as F would.
        "status 00|status 02 .*|reject 0[49].*|drop",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 8192);
          wire.send(Wire.dataFor(r2t, 0, 0, 8192, false));
        });
    wrong(
        "another transfer tag",
        "status 02 .*|reject 0[49].*|drop",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).transferTag(r2t.transferTag() + 1));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    wrong(
        "another LUN",
        "status 0[02].*|reject 0[49].*|drop",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).lun(Command.flatLun(1)));
        });
    wrong(
        "after the burst was complete",
        "(status 00 ?|reject 0[49] ?)+|drop",
        solicited(),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true));
        });
    return tests;
  }

  /** Two Data-Outs that answer one R2T; the second is left out when it has no bytes. */
  private void burst(
      String name,
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
        "(reject 0[49] )*status 02 .*|(reject 0[49] ?)+(status 02 .*)?|drop",
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
