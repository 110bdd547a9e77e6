// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two servers, one image, and hosts that reserve it: what they reserved goes with the image. */
@Timeout(180)
final class RbdReservationsTest extends TwoRbdGateways {
  private static final String CONFLICT = "RESERVATION CONFLICT";
  private static final int REGISTER = 0;
  private static final int RESERVE = 1;
  private static final int PREEMPT_AND_ABORT = 5;

  @BeforeEach
  void start() throws Exception {
    a.start();
    b.start();
  }

  /** A session of a host, which need not be ready. */
  private static Disk at(RbdGateway gateway) throws Exception {
    return new Disk(gateway.host().session(), 0, 0, 512, 4096, true, "");
  }

  private static void write(Disk disk) throws Exception {
    Initiator.await(disk.write(5, ByteBuffer.allocate(512)), 60);
  }

  /** PERSISTENT RESERVE OUT; a reservation is write exclusive, for registrants only. */
  private static void reserve(Disk by, int action, long key, long actionKey) throws Exception {
    byte[] cdb = {0x5f, (byte) action, 5, 0, 0, 0, 0, 0, 24, 0};
    ByteBuffer list = ByteBuffer.allocate(24).putLong(0, key).putLong(8, actionKey);
    Initiator.await(by.out(cdb, list), 60);
  }

  /** PERSISTENT RESERVE IN, READ KEYS: generation, length, keys. */
  private static String keys(Disk disk) throws Exception {
    byte[] cdb = {0x5e, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    ByteBuffer data = Initiator.await(disk.in(cdb, 256), 60).rewind();
    byte[] keys = new byte[8 + data.getInt(4)];
    data.get(keys);
    return HexFormat.of().formatHex(keys);
  }

  private String kept() throws Exception {
    String texts = metadata("ls");
    String key =
        texts
            .lines()
            .map(line -> line.strip().split("\\s+", 2)[0])
            .filter(each -> each.startsWith("anabranch.reservations."))
            .findFirst()
            .orElseThrow();
    return key;
  }

  private String metadata(String verb, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("image-meta", verb, "rbd/" + image));
    command.addAll(List.of(arguments));
    return ceph().run("rbd", command);
  }

  /** Without APTPL: for hosts a take-over is no loss of power. */
  @Test
  void aReservationHoldsAtTheServerThatTakesTheVolumeOver() throws Exception {
    Disk holder = at(a);
    Disk holderAtB = at(b);
    Disk other = at(a);
    reserve(holder, REGISTER, 0, 0x11);
    reserve(holderAtB, REGISTER, 0, 0x11);
    reserve(holder, RESERVE, 0x11, 0);
    write(holder);
    assertThatThrownBy(() -> write(other)).hasMessageContaining(CONFLICT);
    assertThatThrownBy(() -> write(holderAtB)).hasMessageContaining("(04/0b)");
    assertThatThrownBy(() -> reserve(holderAtB, RESERVE, 0x11, 0)).hasMessageContaining("(04/0b)");
    String both = "0000000200000010" + "0000000000000011".repeat(2);
    assertThat(keys(holder)).isEqualTo(both);
    assertThat(keys(holderAtB)).isEqualTo(both);
    takeOver(b);
    write(holderAtB);
    Disk otherAtB = at(b);
    assertThatThrownBy(() -> write(otherAtB)).hasMessageContaining(CONFLICT);
    assertThat(keys(otherAtB)).isEqualTo(both);
    a.awaitState("standby");
    b.stop();
    a.awaitState("served");
    Disk otherAtA = at(a);
    assertThatThrownBy(() -> write(otherAtA)).hasMessageContaining(CONFLICT);
    reserve(otherAtA, REGISTER, 0, 0x22);
    reserve(otherAtA, PREEMPT_AND_ABORT, 0x22, 0x11);
    write(otherAtA);
    a.stop();
    b.start();
    b.awaitState("served");
    Disk again = at(b);
    assertThat(keys(again)).isEqualTo("00000004000000080000000000000022");
    assertThatThrownBy(() -> write(again)).hasMessageContaining(CONFLICT);
  }

  @Test
  void whatCannotBeReadKeepsHostsAwayUntilItIsPutRight() throws Exception {
    Disk host = at(a);
    reserve(host, REGISTER, 0, 0x11);
    String key = kept();
    metadata("set", key, "anabranch shared reservations 9");
    assertThat(b.site.refusal("volume take-over", Map.of("volume", "vm1")))
        .contains("a newer version wrote them (anabranch shared reservations 9): upgrade")
        .contains("rbd image-meta remove rbd/" + image + " " + key);
    assertThat(a.state()).as("the other server is not shut out in vain").isEqualTo("served");
    write(host);
    b.stop();
    a.stop();
    a.start();
    assertThat(a.state()).isEqualTo("served");
    Disk fenced = at(a);
    assertThatThrownBy(() -> write(fenced)).hasMessageContaining(CONFLICT);
    assertThat(String.valueOf(a.site.ask("status", Map.of()).get("warnings")))
        .contains("hosts cannot read or write disk")
        .contains("rbd image-meta remove rbd/" + image + " " + key);
    assertThat(metadata("get", key)).isEqualTo("anabranch shared reservations 9");
    metadata("remove", key);
    Await.until(
        "the disk may be used again",
        () -> !String.valueOf(a.site.ask("status", Map.of()).get("warnings")).contains("disk"));
    write(fenced);
  }
}
