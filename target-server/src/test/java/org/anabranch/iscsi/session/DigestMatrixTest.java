// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.WRITE;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.PduMatrix;
import org.anabranch.iscsi.Wire;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Digests that are wrong (RFC 7143 7.8). */
final class DigestMatrixTest extends PduMatrix {
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
            "reject 02",
            both,
            wire -> wire.send(sample.copy().corruptDataDigest()));
      }
    }
    wrong(
        "Data-Out that was asked for, data digest flipped",
        "reject 02 status 02 b/4705",
        both.key("InitialR2T", "Yes").key("ImmediateData", "No"),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 4096, true).corruptDataDigest());
        });
    wrong(
        "the first of two Data-Outs, data digest flipped",
        "reject 02 status 02 b/4705", // once all of the burst has come
        both.key("InitialR2T", "Yes").key("ImmediateData", "No"),
        wire -> {
          Pdu r2t = wire.startWrite(0, 4096);
          wire.send(Wire.dataFor(r2t, 0, 0, 2048, false).corruptDataDigest());
          Pdu reject = wire.receive();
          assertThat(Wire.describe(reject)).isEqualTo("reject 02");
          assertThat(reject.dataBytes()).as("the header that was wrong").hasSize(48);
          wire.unread(reject);
          wire.send(Wire.dataFor(r2t, 1, 2048, 2048, true));
        });
    wrong(
        "unsolicited Data-Out, data digest flipped",
        "reject 02 status 02 b/4705",
        both.key("InitialR2T", "No"),
        wire -> {
          Pdu write = wire.write(0, 4096);
          wire.send(write.flags(write.flags() & ~FINAL));
          wire.send(
              Requests.dataOut(0, write.taskTag(), Pdu.NO_TAG, 0, 0, true)
                  .data(new byte[4096])
                  .corruptDataDigest());
        });
    return tests;
  }
}
