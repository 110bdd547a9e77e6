// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Sense;
import org.jspecify.annotations.Nullable;

/** A connection on which a test says each PDU itself. Numbers are the test's to get wrong. */
public final class LoginWire implements AutoCloseable {
  public static final long ISID = 0x80_1234_5678_9aL;
  public static final int SECURITY_TO_OPERATIONAL = 0x81;
  public static final int OPERATIONAL_TO_FULL = 0x87;

  public final RawConnection connection;
  public int cmdSn = 1;
  public int expStatSn;
  private int lastTag;

  public LoginWire(RawConnection connection) {
    this.connection = connection;
  }

  public static LoginWire connect(TestTarget target) throws Exception {
    return new LoginWire(
        Initiator.await(target.initiator.connect(target.portal()), TestTarget.SOON.toSeconds()));
  }

  /** Logs in, with these keys beside the names, in one request. */
  public static LoginWire login(TestTarget target, Map<String, String> keys) throws Exception {
    LoginWire wire = connect(target);
    Map<String, String> all = names();
    all.putAll(keys);
    Pdu answer = wire.ask(wire.loginRequest(OPERATIONAL_TO_FULL, all));
    assertThat(answer.u16(36)).as("login status").isZero();
    Map<String, String> answers = text(answer);
    wire.connection.fullFeaturePhase(
        "CRC32C".equals(answers.get("HeaderDigest")), "CRC32C".equals(answers.get("DataDigest")));
    Pdu ready = wire.command(Cdb.testUnitReady(), Requests.FINAL, 0);
    wire.ask(ready); // takes the unit attention of a new nexus
    return wire;
  }

  public static Map<String, String> names() {
    Map<String, String> keys = new LinkedHashMap<>();
    keys.put("InitiatorName", "iqn.2026-11.org.anabranch:wire");
    keys.put("TargetName", TestTarget.NAME);
    keys.put("SessionType", "Normal");
    return keys;
  }

  public Pdu loginRequest(int flags, Map<String, String> keys) {
    StringBuilder text = new StringBuilder();
    keys.forEach((key, value) -> text.append(key).append('=').append(value).append('\0'));
    return Requests.login(ISID, 0, 1, 0, flags).cmdSn(cmdSn).data(text.toString());
  }

  public static Map<String, String> text(Pdu pdu) {
    Map<String, String> keys = new LinkedHashMap<>();
    for (String pair : new String(pdu.dataBytes(), StandardCharsets.UTF_8).split("\0", -1)) {
      if (!pair.isEmpty()) {
        keys.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
      }
    }
    return keys;
  }

  public int nextTag() {
    return ++lastTag;
  }

  /** A command for LUN 0 with the number that is due. */
  public Pdu command(byte[] cdb, int flags, int expected) {
    return Requests.command(0, nextTag(), cdb, flags, expected).cmdSn(cmdSn++);
  }

  public Pdu write(int lba, int blocks, boolean isFinal) {
    return command(
        Cdb.write(lba, blocks, false),
        Requests.WRITE | (isFinal ? Requests.FINAL : 0),
        blocks * 512);
  }

  public void send(Pdu pdu) {
    connection.send(pdu);
  }

  /** Sends one PDU after the other, as fast as the peer takes them. */
  public void flood(int most, AtomicBoolean stop, Supplier<Pdu> next) {
    try {
      for (int n = 1; n <= most && !stop.get() && connection.isOpen(); n++) {
        send(next.get());
        boolean sent = n % 256 != 0;
        while (!sent && !stop.get()) {
          sent = connection.awaitSent(Duration.ofMillis(100));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public Pdu receive() throws Exception {
    return connection.receive(TestTarget.SOON);
  }

  public Pdu ask(Pdu pdu) throws Exception {
    send(pdu);
    return receive();
  }

  public void expectClosed() throws Exception {
    assertThat(connection.awaitClosed(TestTarget.SOON)).as("connection is dropped").isTrue();
  }

  public void expectReject(int reason) throws Exception {
    Pdu pdu = receive();
    assertThat(pdu.toString()).startsWith("Reject");
    assertThat(pdu.opcode()).isEqualTo(Opcode.REJECT);
    assertThat(pdu.u8(2)).as("reason").isEqualTo(reason);
    assertThat(pdu.dataSegmentLength()).isEqualTo(48);
    cmdSn = pdu.expCmdSn(); // of what was rejected
  }

  /** The next PDU is a SCSI Response with this status, and this ASC and ASCQ if not 0. */
  public Pdu expectStatus(int tag, int status, int code) throws Exception {
    Pdu pdu = receive();
    assertThat(pdu.opcode()).as("opcode of " + pdu).isEqualTo(Opcode.SCSI_RESPONSE);
    assertThat(pdu.taskTag()).isEqualTo(tag);
    Sense sense = sense(pdu);
    assertThat(pdu.u8(3)).as("status, with " + sense).isEqualTo(status);
    if (code != 0) {
      assertThat(sense).isNotNull();
      assertThat(sense.code()).as(sense.describe()).isEqualTo(code);
    }
    return pdu;
  }

  private static @Nullable Sense sense(Pdu pdu) {
    byte[] data = pdu.dataBytes();
    return data.length < 2 ? null : Sense.parse(java.util.Arrays.copyOfRange(data, 2, data.length));
  }

  /** The connection still works: a ping comes back. */
  public void expectAlive() throws Exception {
    Pdu answer = ask(Requests.nopOut(nextTag()).immediate(true).cmdSn(cmdSn).data("still there"));
    assertThat(answer.opcode()).as("opcode of " + answer).isEqualTo(Opcode.NOP_IN);
    assertThat(new String(answer.dataBytes(), StandardCharsets.UTF_8)).isEqualTo("still there");
  }

  @Override
  public void close() {
    connection.close();
  }
}
