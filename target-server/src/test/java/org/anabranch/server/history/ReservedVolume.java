// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionListener;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;

/**
 * A volume beside those of a history that one host has reserved, by a server that is long gone: as
 * the other hosts are fenced off, so they must be by each server that gets the volume.
 */
final class ReservedVolume implements AutoCloseable {
  private static final String NAME = "reserved";
  private static final String TARGET = "iqn.2026-11.org.example:reserved";
  private static final long KEY = 0x11;
  private static final int REGISTER = 0;
  private static final int RESERVE = 1;
  private static final long SECONDS = 60;

  private final Initiator initiator = new Initiator();

  /** Its name. */
  static String name() {
    return NAME;
  }

  /** The configuration of it and of its target. */
  static String configuration(String source) {
    return "volumes { "
        + NAME
        + " { "
        + source
        + ", size = 1 MiB } }\ntargets { \""
        + TARGET
        + "\" { luns { 0 = "
        + NAME
        + " } } }\n";
  }

  private Disk at(ServerProcess server) throws Exception {
    Session session =
        Initiator.await(
            initiator.login(
                Site.address(server.portal()),
                SessionOptions.normal(TARGET),
                new SessionListener() {}),
            SECONDS);
    return new Disk(session, 0, 0, 512, 4096, true, "");
  }

  /** Only registered hosts may write from now on; without APTPL. */
  void reserve(ServerProcess server) throws Exception {
    Disk disk = at(server);
    out(disk, REGISTER, 0, KEY);
    out(disk, RESERVE, KEY, 0);
    Initiator.await(disk.write(0, ByteBuffer.allocate(512)), SECONDS);
  }

  private static void out(Disk disk, int action, long key, long actionKey) throws Exception {
    byte[] cdb = {0x5f, (byte) action, 5, 0, 0, 0, 0, 0, 24, 0};
    ByteBuffer list = ByteBuffer.allocate(24).putLong(0, key).putLong(8, actionKey);
    Initiator.await(disk.out(cdb, list), SECONDS);
  }

  /** A server that has the volume keeps a host away that is not registered, and says for whom. */
  void check(ServerProcess server) throws Exception {
    Disk disk = at(server);
    assertThatThrownBy(() -> Initiator.await(disk.write(0, ByteBuffer.allocate(512)), SECONDS))
        .hasMessageContaining("RESERVATION CONFLICT");
    byte[] cdb = {0x5e, 1, 0, 0, 0, 0, 0, 0, 24, 0}; // READ RESERVATION
    ByteBuffer data = Initiator.await(disk.in(cdb, 24), SECONDS).rewind();
    byte[] reservation = new byte[24];
    data.get(reservation);
    assertThat(HexFormat.of().formatHex(reservation))
        .isEqualTo("0000000100000010" + "0000000000000011" + "0000000000050000");
  }

  @Override
  public void close() {
    initiator.close();
  }
}
