// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A persistent reservation with APTPL = 1 fences an initiator off, also after a power cut. */
final class ReservationRestartTest {
  private static final String TARGET = "iqn.2026-11.org.anabranch:disk0";
  private static final long PATIENCE = 30;

  private static final String REGISTER_KEY_11_WITH_APTPL =
      "5f 06 00 00 00 00 00 00 18 00|0000000000000000 0000000000000011 00000000 01 000000";
  private static final String RESERVE_WRITE_EXCLUSIVE =
      "5f 01 01 00 00 00 00 00 18 00|0000000000000011 0000000000000000 00000000 00 000000";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00|" + "00".repeat(512);
  private static final String READ_KEYS = "5e 00 00 00 00 00 00 00 20 00";

  @TempDir Path folder;

  private static SessionOptions holder() {
    return SessionOptions.normal(TARGET).as("iqn.2026-11.org.example:holder").isid(0x800000000001L);
  }

  private static Response send(Session session, String cdbAndData) throws Exception {
    String[] parts = cdbAndData.replace(" ", "").split("\\|", -1);
    byte[] cdb = HexFormat.of().parseHex(parts[0]);
    Command command =
        parts.length > 1
            ? Command.out(0, cdb, ByteBuffer.wrap(HexFormat.of().parseHex(parts[1])))
            : Command.in(0, cdb, 32);
    return Initiator.await(session.submit(command), PATIENCE);
  }

  private static Session logIn(Initiator initiator, ServerProcess server, SessionOptions options)
      throws Exception {
    Session session =
        Initiator.await(
            initiator.login(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()), options),
            PATIENCE);
    Initiator.await(session.submit(Command.of(0, new byte[6])), PATIENCE); // takes the attention
    return session;
  }

  @Test
  void aReservationOutlivesTheServer() throws Exception {
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = ServerProcess.serving(folder)) {
        Session session = logIn(initiator, server, holder());
        assertThat(send(session, REGISTER_KEY_11_WITH_APTPL).describe()).isEqualTo("GOOD");
        assertThat(send(session, RESERVE_WRITE_EXCLUSIVE).describe()).isEqualTo("GOOD");
        server.process().destroyForcibly();
        server.await();
      }
      try (ServerProcess server = ServerProcess.serving(folder)) {
        SessionOptions other = SessionOptions.normal(TARGET).as("iqn.2026-11.org.example:other");
        Session fenced = logIn(initiator, server, other);
        assertThat(send(fenced, WRITE).describe()).isEqualTo("RESERVATION CONFLICT");
        assertThat(HexFormat.of().formatHex(send(fenced, READ_KEYS).bytes(), 4, 16))
            .isEqualTo("000000080000000000000011");
        Session session = logIn(initiator, server, holder());
        assertThat(send(session, WRITE).describe()).isEqualTo("GOOD");
        assertThat(server.terminate()).isZero();
      }
    }
  }
}
