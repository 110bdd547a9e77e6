// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Response;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.server.ServerInsides;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The command windows of many sessions, all of which could not have their memory at once. */
final class ManyWindowsTest {
  private static final int SESSIONS = 200;
  private static final int FIRST_BURST = 65536; // the default of a login without the key
  private static final int MEMORY = 32 << 20;

  private final TestTarget target =
      new TestTarget(limits ->
          limits
              .sessions(SESSIONS + 8)
              .connections(2 * SESSIONS)
              .connectionsBeforeLogin(64)
              .queueDepth(128)
              .dataMemory(MEMORY));
  private final List<LoginWire> wires = new ArrayList<>();

  @AfterEach
  void stop() {
    wires.forEach(LoginWire::close);
    target.close();
  }

  /** Logs in as somebody else each time, without FirstBurstLength; the window is in the answer. */
  private int logIn(int number) throws Exception {
    LoginWire wire = LoginWire.connect(target);
    wires.add(wire);
    Map<String, String> keys = LoginWire.names();
    keys.put("InitiatorName", "iqn.2026-11.org.anabranch:many" + number);
    Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
    assertThat(answer.u16(36)).as("login status").isZero();
    wire.connection.fullFeaturePhase(false, false);
    wire.ask(wire.command(new byte[6], Requests.FINAL, 0));
    return answer.maxCmdSn() - answer.expCmdSn() + 1;
  }

  private static int window(LoginWire wire, Pdu answer) {
    return answer.maxCmdSn() - wire.cmdSn + 1;
  }

  private static Pdu readOnce(LoginWire wire) throws Exception {
    return wire.ask(wire.command(Cdb.read(0, 8), Requests.READ | Requests.FINAL, 4096));
  }

  @Test
  void eachHasSixteenPlacesAndWhoUsesThemGetsMore() throws Exception {
    for (int i = 0; i < SESSIONS; i++) {
      assertThat(logIn(i)).as("window of session %d", i).isEqualTo(16);
    }
    LoginWire last = wires.getLast();
    Await.until( // the others give back what they had for their first command
        "the last one's window gets wider",
        () -> {
          int width = window(last, readOnce(last));
          assertThat(width).isGreaterThanOrEqualTo(16);
          return width > 32;
        });
    long idle = (long) SESSIONS * FIRST_BURST;
    Await.until(
        "idle sessions hold what is kept for them, and no more",
        () -> ServerInsides.heldForPlaces(target.server) <= idle);
  }

  /**
   * Writes with data for which there is no memory are refused, so that they are sent again; one of
   * each session always goes through, and reads wait.
   */
  @Test
  void aWriteWithoutMemoryIsRefusedAndTheNextOneGoesThrough() throws Exception {
    logIn(0);
    LoginWire wire = wires.getFirst();
    Await.until(
        "one place is reserved", () -> ServerInsides.heldForPlaces(target.server) == FIRST_BURST);
    long all = ServerInsides.memory(target.server).capacity();
    assertThat(ServerInsides.memory(target.server).tryReserve(all)).isTrue();
    long places = ServerInsides.placeMemory(target.server).free();
    assertThat(ServerInsides.placeMemory(target.server).tryReserve(places)).isTrue();
    target.disk.hold();
    byte[] data = new byte[4096];
    Pdu first = wire.write(0, 8, true).data(data);
    wire.send(first);
    target.disk.awaitHeld(1);
    for (int i = 0; i < 20; i++) {
      Pdu refused = wire.write(8, 8, true).data(data);
      wire.send(refused);
      wire.expectStatus(refused.taskTag(), Response.TASK_SET_FULL, 0);
    }
    Pdu immediate = wire.write(8, 8, true).data(data).immediate(true);
    wire.cmdSn--;
    wire.send(immediate);
    wire.expectStatus(immediate.taskTag(), Response.TASK_SET_FULL, 0);
    wire.expectAlive();
    target.disk.letGo();
    wire.expectStatus(first.taskTag(), Response.GOOD, 0);
    Pdu again = wire.write(8, 8, true).data(data);
    wire.send(again);
    wire.expectStatus(again.taskTag(), Response.GOOD, 0);
    ServerInsides.memory(target.server).release(all);
    ServerInsides.placeMemory(target.server).release(places);
    assertThat(readOnce(wire).opcode()).isEqualTo(Opcode.DATA_IN);
  }
}
