// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two servers with state of their own and one image: one is active, and the other stands by. */
@Timeout(180)
final class RbdFailoverTest extends TwoRbdGateways {
  private static final int BLOCKS = 64;

  private static void write(Disk disk, long lba, int value) throws Exception {
    Initiator.await(disk.write(lba, block(value)), 60);
  }

  private static int read(Disk disk, long lba) throws Exception {
    ByteBuffer data = Initiator.await(disk.read(lba, 1), 60).rewind();
    assertThat(data).isEqualTo(block(data.getInt(0)));
    return data.getInt(0);
  }

  @Test
  void aStandbyIsTheSameDiskAndTakesOverWhenTheActiveServerStops() throws Exception {
    a.start();
    Disk active = a.host().disk(0);
    write(active, 5, 77);
    b.start();
    assertThat(a.state()).isEqualTo("served");
    assertThat(b.state()).isEqualTo("standby");
    Site.Host host = b.host();
    Disk standby = unready(host);
    byte[] readCapacity = new byte[10];
    readCapacity[0] = 0x25;
    assertThat(Initiator.await(standby.in(readCapacity, 8), 60).rewind().getInt(0))
        .isEqualTo((int) active.blocks() - 1);
    String names = pages(active);
    assertThat(pages(standby).replaceAll(GROUP, "group"))
        .isEqualTo(names.replaceAll(GROUP, "group"));
    assertThat(pages(standby)).as("hosts know a group by its number").isNotEqualTo(names);
    assertThat(groupState(active)).isZero();
    assertThat(groupState(standby)).isEqualTo(2);
    byte[] testUnitReady = new byte[6];
    assertThatThrownBy(() -> Initiator.await(standby.in(testUnitReady, 0), 60))
        .hasMessageContaining("NOT READY")
        .hasMessageContaining("(04/0b)");
    assertThatThrownBy(() -> read(standby, 5)).hasMessageContaining("(04/0b)");
    assertThatThrownBy(() -> write(standby, 5, 78)).hasMessageContaining("(04/0b)");
    assertThat(b.site.refusal("snapshot create", Map.of("volume", "vm1", "name", "s")))
        .contains("another server");
    assertThat(read(active, 5)).isEqualTo(77);
    a.stop();
    b.awaitState("served");
    assertThat(read(standby, 5)).isEqualTo(77);
    assertThat(host.heard()).contains("2a/06");
    assertThat(groupState(standby)).isZero();
    write(standby, 5, 79);
    a.start();
    assertThat(a.state()).isEqualTo("standby");
    assertThatThrownBy(() -> read(unready(a.host()), 5)).hasMessageContaining("(04/0b)");
    assertThat(read(standby, 5)).isEqualTo(79);
  }

  /** The designator of a target port group: of the port, relative to iSCSI, four bytes. */
  private static final String GROUP = "51950004[0-9a-f]{8}";

  /** The device identification page, in hexadecimal. */
  private static String pages(Disk disk) throws Exception {
    ByteBuffer page = Initiator.await(disk.inquiry(0x83), 60).rewind();
    byte[] bytes = new byte[page.remaining()];
    page.get(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** A disk that is not asked whether it is ready. */
  private static Disk unready(Site.Host host) {
    return new Disk(host.session(), 0, 0, 512, 4096, true, "");
  }

  /** The limits of a command, for a volume of the configuration file, too. */
  @Test
  void limitsGoWithTheVolume() throws Exception {
    a.start();
    b.start();
    Map<String, Object> limit = Map.of("volume", "vm1", "iops", 1234);
    assertThat(b.site.refusal("volume limit", limit)).contains("another server has it");
    a.site.ask("volume limit", limit);
    assertThat(b.volumes()).doesNotContain("1234");
    takeOver(b);
    assertThat(b.volumes()).contains("iops=1234");
    a.stop();
    b.stop();
    a.start();
    assertThat(a.volumes()).contains("iops=1234");
  }

  /** Snapshots have their stores on the disk of one server, so that another one must not write. */
  @Test
  void aVolumeWithSnapshotsStaysWithTheServerThatHasThem() throws Exception {
    a.start();
    b.start();
    Disk disk = a.host().disk(0);
    write(disk, 5, 1);
    a.site.ask("snapshot create", Map.of("volume", "vm1", "name", "s"));
    write(disk, 5, 2);
    assertThat(b.site.refusal("volume take-over", Map.of("volume", "vm1")))
        .contains("has snapshots of it")
        .contains("rbd image-meta remove rbd/" + image + " anabranch.snapshots-at");
    a.stop();
    assertThat(b.site.refusal("volume take-over", Map.of("volume", "vm1")))
        .contains("has snapshots of it");
    assertThat(b.state()).isEqualTo("standby");
    a.start();
    a.awaitState("served");
    Disk again = a.host().disk(0);
    a.site.ask("snapshot merge", Map.of("name", "vm1@s", "now", true, "wait", true));
    assertThat(read(again, 5)).isEqualTo(1);
    assertThat(b.site.ask("volume take-over", Map.of("volume", "vm1")))
        .isEqualTo(Map.of("changes", List.of("volume vm1 is served by this server now")));
    assertThat(b.state()).isEqualTo("served");
    assertThat(read(b.host().disk(0), 5)).isEqualTo(1);
    assertThat(a.site.refusal("volume take-over", Map.of("volume", "none"))).contains("none");
    assertThat(b.site.refusal("volume take-over", Map.of("volume", "vm1")))
        .contains("this server has it already");
  }

  /** What is sent to a server that stands still is in its sockets when it wakes. */
  @Test
  void aServerThatStoodStillWhileAnotherTookOverWakesAndWritesNothing() throws Exception {
    try (ServerProcess stopped = a.site.serve(a.configuration())) {
      Disk disk = Site.Host.logIn(initiator, stopped, RbdGateway.TARGET).disk(0);
      for (int i = 0; i < BLOCKS; i++) {
        write(disk, i * 300L, 1);
      }
      b.start();
      assertThat(b.state()).isEqualTo("standby");
      signal(stopped, "-STOP");
      List<CompletableFuture<?>> late = new ArrayList<>();
      try {
        for (int i = 0; i < BLOCKS; i++) {
          late.add(disk.write(i * 300L, block(2)));
        }
        takeOver(b);
        Disk there = b.host().disk(0);
        for (int i = 0; i < BLOCKS; i++) {
          assertThat(read(there, i * 300L)).isIn(1, 2);
          write(there, i * 300L, 3);
        }
      } finally {
        signal(stopped, "-CONT");
      }
      for (CompletableFuture<?> each : late) {
        assertThatThrownBy(() -> Initiator.await(each, 60)).isInstanceOf(IOException.class);
      }
      a.awaitState("standby");
      Disk there = b.host().disk(0);
      for (int i = 0; i < BLOCKS; i++) {
        assertThat(read(there, i * 300L)).isEqualTo(3);
      }
    }
  }

  /** Ceph itself would notice it after 30 s. */
  @Test
  void aStandbyTakesOverSoonFromAServerThatStandsStill() throws Exception {
    try (ServerProcess stopped = a.site.serve(a.configuration())) {
      Disk disk = Site.Host.logIn(initiator, stopped, RbdGateway.TARGET).disk(0);
      write(disk, 5, 1);
      b.start();
      Disk there = unready(b.host());
      signal(stopped, "-STOP");
      try {
        long begin = System.nanoTime();
        b.awaitState("served");
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(20));
        assertThat(read(there, 5)).isEqualTo(1);
        write(there, 5, 2);
      } finally {
        signal(stopped, "-CONT");
      }
      a.awaitState("standby");
      assertThat(b.state()).isEqualTo("served");
      assertThat(read(there, 5)).isEqualTo(2);
    }
  }

  private static void signal(ServerProcess server, String signal) throws Exception {
    String process = Long.toString(server.process().pid());
    assertThat(new ProcessBuilder("kill", signal, process).start().waitFor()).isZero();
  }

  /** REPORT TARGET PORT GROUPS: the asymmetric access state of the first group. */
  private static int groupState(Disk disk) throws Exception {
    byte[] cdb = {(byte) 0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
    return Initiator.await(disk.in(cdb, 256), 60).rewind().get(4) & 0x0f;
  }

  /**
   * The servers take the image from each other while a host writes. More often with {@code
   * -Danabranch.failovers=COUNT}.
   */
  @Test
  void whatWasAcknowledgedIsThereAfterATakeOverAndTheFormerOwnerWritesNothing() throws Exception {
    a.start();
    b.start();
    Random random = new Random(7);
    int[] acknowledged = new int[BLOCKS];
    int[] written = new int[BLOCKS];
    int value = 0;
    RbdGateway active = a;
    RbdGateway other = b;
    for (int times = 0; times < Integer.getInteger("anabranch.failovers", 4); times++) {
      Site.Host host = active.host();
      Disk disk = host.disk(0);
      RbdGateway next = other;
      CompletableFuture<Void> taken =
          CompletableFuture.runAsync(
              () -> {
                try {
                  takeOver(next);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              CompletableFuture.delayedExecutor(random.nextInt(300), TimeUnit.MILLISECONDS));
      boolean isShutOut = false;
      while (!isShutOut) {
        CompletableFuture<?>[] writes = new CompletableFuture<?>[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
          written[i] = ++value;
          writes[i] = disk.write(i * 300L, block(value));
        }
        for (int i = 0; i < BLOCKS; i++) {
          try {
            Initiator.await(writes[i], 60);
            acknowledged[i] = written[i];
          } catch (Exception e) { // NOT READY, or the session was dropped
            isShutOut = true;
          }
        }
      }
      taken.get(60, TimeUnit.SECONDS);
      host.awaitClosed();
      Disk there = other.host().disk(0);
      for (int i = 0; i < BLOCKS; i++) {
        int found = read(there, i * 300L);
        assertThat(found)
            .as("block %d, acknowledged %d, written %d", i, acknowledged[i], written[i])
            .isIn(acknowledged[i], written[i]);
        write(there, i * 300L, ++value);
        acknowledged[i] = value;
        written[i] = value;
      }
      active.awaitState("standby");
      assertThat(other.state()).isEqualTo("served");
      for (int i = 0; i < BLOCKS; i++) {
        assertThat(read(there, i * 300L)).as("block %d", i).isEqualTo(acknowledged[i]);
      }
      RbdGateway former = active;
      active = other;
      other = former;
    }
  }
}
