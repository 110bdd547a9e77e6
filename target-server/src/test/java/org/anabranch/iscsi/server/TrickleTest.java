// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A byte now and then, wherever bytes can be waited for, keeps no session alive. */
final class TrickleTest {
  private final LogWatch log = new LogWatch();
  private final TestTarget target =
      new TestTarget(limits -> limits.sendTimeout(Duration.ofMillis(1500)));

  @AfterEach
  void close() {
    target.close();
    log.close();
  }

  private void droppedWhile(LoginWire wire, String reason, Runnable trickle) throws Exception {
    Await.until(
        "the connection is dropped",
        () -> {
          trickle.run();
          return wire.connection.awaitClosed(Duration.ofMillis(50));
        });
    assertThat(log.takeWarnings()).singleElement().asString().endsWith(reason);
  }

  private void trickle(LoginWire wire, byte[] pdu, int at) throws Exception {
    int[] next = {at};
    wire.connection.sendBytes(java.util.Arrays.copyOf(pdu, at));
    droppedWhile(
        wire,
        "the rest of a PDU does not come",
        () -> wire.connection.sendBytes(new byte[] {pdu[next[0]++]}));
  }

  @Test
  void inAHeader() throws Exception {
    LoginWire wire = target.wire(Map.of());
    byte[] ping = new byte[48];
    ping[0] = 0x40;
    trickle(wire, ping, 1);
  }

  @Test
  void inADataSegment() throws Exception {
    LoginWire wire = target.wire(Map.of());
    byte[] ping = new byte[48 + 8000];
    ping[0] = 0x40;
    ping[6] = 8000 >> 8;
    ping[7] = (byte) (8000 & 0xff);
    trickle(wire, ping, 48);
  }

  /** Small PDUs, each of them whole. */
  @Test
  void inDataThatWasAskedFor() throws Exception {
    LoginWire wire = target.wire(Map.of("InitialR2T", "Yes"));
    Pdu write = wire.write(0, 512, true);
    Pdu r2t = wire.ask(write);
    int[] sent = {0};
    droppedWhile(
        wire,
        "data that it was asked for does not come",
        () -> {
          wire.send(
              Requests.dataOut(0, write.taskTag(), r2t.transferTag(), sent[0], 4 * sent[0], false)
                  .data(new byte[4]));
          sent[0]++;
        });
  }

  /** It goes on slowly, but it goes on. */
  @Test
  void aSlowLineIsNoTrickle() throws Exception {
    LoginWire wire = target.wire(Map.of());
    byte[] ping = new byte[48 + 60_000];
    ping[0] = 0x40;
    ping[1] = (byte) 0x80;
    ping[6] = (byte) (60_000 >> 8);
    ping[7] = (byte) (60_000 & 0xff);
    ping[19] = 77;
    ping[27] = (byte) wire.cmdSn;
    java.util.Arrays.fill(ping, 20, 24, (byte) 0xff);
    for (int at = 0; at < ping.length; at += 3003) {
      wire.connection.sendBytes(
          java.util.Arrays.copyOfRange(ping, at, Math.min(at + 3003, ping.length)));
      assertThat(wire.connection.awaitClosed(Duration.ofMillis(100))).isFalse();
    }
    assertThat(wire.receive().taskTag()).isEqualTo(77);
  }
}
