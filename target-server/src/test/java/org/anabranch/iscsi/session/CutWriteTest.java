// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.server.ServerInsides;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A connection that ends in the middle of a write: nothing of it is done, and nothing is kept. */
final class CutWriteTest {
  private static final int BYTES = 1 << 20;
  private static final int BURST = 262_144;

  private final LogWatch log = new LogWatch();
  private final TestTarget target = new TestTarget();

  @AfterEach
  void stop() {
    target.close();
    log.close();
    log.assertClean();
  }

  private void assertNothingIsLeft(long places, long memory) throws Exception {
    Await.until("the session is gone", () -> target.server.sessionInfos().size() == 1);
    Await.until("places are back", () -> ServerInsides.heldForPlaces(target.server) <= places);
    Await.until("memory is back", () -> ServerInsides.memory(target.server).free() == memory);
    assertThat(Arrays.equals(target.disk.bytes(), new byte[TestTarget.SECTORS * 512]))
        .as("the disk is as it was")
        .isTrue();
  }

  /** Cut after each PDU that brings data, whole or half, in order or with a reset. */
  @Test
  void beforeAllDataHasCome() throws Exception {
    Session neighbour = target.login();
    for (int cut = 0; cut < 8; cut++) {
      // Anew each time: the neighbour's window widens with what it does; when it is idle it holds
      // less.
      long places = ServerInsides.heldForPlaces(target.server);
      long memory = ServerInsides.memory(target.server).free();
      LoginWire wire =
          target.wire(
              Map.of(
                  "ImmediateData", "Yes",
                  "InitialR2T", "Yes",
                  "MaxBurstLength", Integer.toString(BURST),
                  "MaxOutstandingR2T", "4"));
      byte[] ones = new byte[16384];
      Arrays.fill(ones, (byte) 1);
      Pdu write = wire.write(0, BYTES / 512, true).data(ones);
      wire.send(write);
      Pdu r2t = wire.receive();
      assertThat(r2t.opcode()).isEqualTo(Opcode.READY_TO_TRANSFER);
      for (int i = 0; i < cut; i++) {
        Pdu data =
            Requests.dataOut(0, write.taskTag(), r2t.transferTag(), i, (i + 1) * 16384, false)
                .data(ones);
        if (i == cut - 1 && cut % 2 == 1) {
          wire.connection.sendPart(data, 48 + 5000);
        } else {
          wire.send(data);
        }
      }
      end(wire.connection, cut);
      assertNothingIsLeft(places, memory);
      assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
    }
  }

  private static void end(RawConnection connection, int how) {
    if (how % 4 < 2) {
      connection.close();
    } else {
      connection.reset();
    }
  }

  /**
   * Data that is there is written whole or not at all, never acknowledged, and lost with nobody.
   */
  @Test
  void whenTheDiskHasIt() throws Exception {
    Session neighbour = target.login();
    long places = ServerInsides.heldForPlaces(target.server);
    long memory = ServerInsides.memory(target.server).free();
    LoginWire wire = target.wire(Map.of("ImmediateData", "Yes", "InitialR2T", "Yes"));
    target.disk.hold();
    byte[] ones = new byte[16384];
    Arrays.fill(ones, (byte) 1);
    wire.send(wire.write(0, 32, true).data(ones));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    wire.connection.reset();
    Session again = null;
    try {
      var login = target.initiator.login(target.portal(), SessionOptions.normal(TestTarget.NAME));
      again = org.anabranch.initiator.Initiator.await(login, 20);
    } finally {
      target.disk.letGo();
    }
    Await.until("places are back", () -> target.server.sessionInfos().size() == 2);
    again.submit(org.anabranch.initiator.Command.of(0, Cdb.testUnitReady())).get();
    byte first = target.disk.bytes()[0];
    for (int i = 0; i < ones.length; i++) {
      assertThat(target.disk.bytes()[i]).as("all or nothing, byte " + i).isEqualTo(first);
    }
    again.logout().get();
    Await.until("places are back", () -> ServerInsides.heldForPlaces(target.server) <= places);
    Await.until("memory is back", () -> ServerInsides.memory(target.server).free() == memory);
    assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
  }
}
