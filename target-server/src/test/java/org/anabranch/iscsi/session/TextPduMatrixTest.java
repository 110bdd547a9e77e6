// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.PduMatrix;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Text and logout in full feature phase, and what a discovery session takes. */
final class TextPduMatrixTest extends PduMatrix {
  @TestFactory
  List<DynamicTest> text() {
    wrong("no keys", "text", wire -> wire.send(Requests.text(1, Pdu.NO_TAG)));
    wrong(
        "the reserved task tag",
        "reject 09",
        wire -> wire.send(Requests.text(Pdu.NO_TAG, Pdu.NO_TAG).data("SendTargets=\0")));
    wrong(
        "bytes that are no text",
        "reject 09",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data(new byte[] {-1, -2, 0, '=', 0})));
    wrong(
        "a key that nobody knows",
        "text",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("X-org.example.key=1\0")));
    wrong(
        "an operational key of the login",
        "text",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("MaxConnections=4\0")));
    for (String text : new String[] {"SendTargetsPlease=All", "sENDtARGETS=aLL"}) {
      wrong(
          "a key that is not quite one, " + text,
          "reject 04",
          wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data(text + "\0X-a=1\0")));
    }
    for (String value : new String[] {"Alle", "A", "all"}) {
      wrong(
          "asking for what is no target, " + value,
          "reject 04",
          wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("SendTargets=" + value + "\0")));
    }
    wrong(
        "F and C together",
        "reject 09",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).flags(0xc0).data("SendTargets=All\0")));
    wrong(
        "going on with what never began",
        "reject 09",
        wire -> wire.send(Requests.text(1, 0x1234).data("SendTargets=All\0")));
    wrong(
        "a key twice",
        "reject 09",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("SendTargets=\0SendTargets=\0")));
    wrong(
        "a key of 64 characters",
        "reject 09",
        wire -> wire.send(Requests.text(1, Pdu.NO_TAG).data("k".repeat(64) + "=1\0")));
    wrong(
        "going on with another task tag",
        "text reject 09",
        wire -> {
          wire.send(Requests.text(1, Pdu.NO_TAG).flags(0x40).data("SendTar"));
          Pdu first = wire.receive();
          assertThat(first.flags()).isZero();
          wire.unread(first);
          wire.send(Requests.text(2, first.transferTag()).data("gets=\0"));
        });
    wrong(
        "going on with the transfer tag of an exchange that has ended",
        "text text reject 09",
        wire -> {
          wire.send(Requests.text(1, Pdu.NO_TAG).flags(0x40).data("SendTar"));
          Pdu first = wire.receive();
          wire.unread(first);
          wire.send(Requests.text(1, first.transferTag()).data("gets=\0"));
          wire.send(Requests.text(1, first.transferTag()).data("SendTargets=\0"));
        });
    wrong(
        "a request that never ends",
        "reject 04",
        wire -> {
          int transferTag = Pdu.NO_TAG;
          for (int sent = 0; sent <= 1 << 16; sent += 8000) {
            wire.send(Requests.text(1, transferTag).flags(0x40).data("k".repeat(8000)));
            Pdu answer = wire.receive();
            transferTag = answer.transferTag();
            if (answer.opcode() == Opcode.REJECT) {
              wire.unread(answer);
              return;
            }
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
    wrong("for recovery at level 0", "logout 02", wire -> wire.send(Requests.logout(1, 2, 0)));
    wrong("for an unknown reason", "reject 09", wire -> wire.send(Requests.logout(1, 9, 0)));
    wrong(
        "with the reserved task tag",
        "reject 09",
        wire -> wire.send(Requests.logout(Pdu.NO_TAG, 0, 0)));
    wrong(
        "of the connection, by its number",
        "logout 00 drop",
        wire -> wire.send(Requests.logout(1, 1, 0)));
    wrong(
        "of the session, whatever the connection's number",
        "logout 00 drop",
        wire -> wire.send(Requests.logout(1, 0, 99)));
    wrong(
        "not for immediate delivery",
        "logout 00 drop",
        wire -> wire.send(Requests.logout(1, 0, 0).immediate(false)));
    wrong(
        "and then a command",
        "logout 00 drop",
        wire -> {
          wire.send(Requests.logout(1, 0, 0));
          wire.send(ready(wire, 0));
        });
    wrong(
        "and then megabytes of anything",
        "logout 00 drop",
        wire -> {
          wire.send(Requests.logout(1, 0, 0));
          for (int i = 0; i < 64; i++) {
            wire.connection().send(Requests.nopOut(i).data(new byte[100_000]));
          }
        });
    return tests;
  }

  /** It takes text and the end of the session, and must reject all else (RFC 7143 4.3). */
  @TestFactory
  List<DynamicTest> discovery() {
    SessionOptions discovery = SessionOptions.discovery();
    wrong("a ping", "reject 04", discovery, wire -> wire.send(Requests.nopOut(1)));
    wrong(
        "a word about ExpStatSN",
        "",
        discovery,
        wire -> wire.send(Requests.nopOut(Pdu.NO_TAG).immediate(true)));
    wrong("a command", "reject 05", discovery, wire -> wire.send(ready(wire, 0)));
    wrong(
        "data",
        "reject 05",
        discovery,
        wire -> wire.send(Requests.dataOut(0, 1, 1, 0, 0, true).data(new byte[512])));
    wrong(
        "a command with data",
        "reject 05",
        discovery,
        wire ->
            wire.send(
                Requests.command(0, 1, Cdb.write(0, 1, false), FINAL | Requests.WRITE, 512)
                    .data(new byte[512])));
    wrong(
        "task management",
        "reject 05",
        discovery,
        wire -> wire.send(Requests.taskManagement(5, 0, 1, Pdu.NO_TAG, 0)));
    wrong(
        "a logout of the connection",
        "reject 04",
        discovery,
        wire -> wire.send(Requests.logout(1, 1, 0)));
    wrong(
        "a SNACK",
        "reject 03",
        discovery,
        wire -> wire.send(new Pdu(Opcode.SNACK_REQUEST).flags(FINAL).taskTag(1)));
    wrong("a login", "reject 04", discovery, wire -> wire.send(Requests.login(1, 0, 1, 0, 0x87)));
    wrong(
        "a logout of the session",
        "logout 00 drop",
        discovery,
        wire -> wire.send(Requests.logout(1, 0, 0)));
    return tests;
  }
}
