// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two servers, one image, and its snapshots with stores in the cluster: they go with the volume.
 */
@Timeout(180)
final class RbdStoresTest {
  private static final int BLOCKS = 64;
  private static final int APART = 300;
  private static final AtomicInteger NEXT = new AtomicInteger();

  private static @Nullable TestCeph ceph;

  @TempDir private Path folder;
  private final String image = "s" + NEXT.incrementAndGet();
  private final Initiator initiator = new Initiator();
  private RbdGateway a;
  private RbdGateway b;

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.require(false);
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the gateways
  void setUp() throws Exception {
    a = gateway("a");
    b = gateway("b");
  }

  private RbdGateway gateway(String name) throws Exception {
    RbdGateway gateway =
        new RbdGateway(folder, name, Objects.requireNonNull(ceph), image, initiator);
    gateway.more = "stores.pool = rbd";
    gateway.luns = "0 = vm1, 1 = \"vm1@s\"";
    return gateway;
  }

  @AfterEach
  void close() {
    a.stop();
    b.stop();
    initiator.close();
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[512];
    ByteBuffer.wrap(bytes).putInt(0, value).putInt(508, value);
    return ByteBuffer.wrap(bytes);
  }

  private static void fill(Disk disk, int value) throws Exception {
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < BLOCKS; i++) {
      all.add(disk.write((long) i * APART, block(value)));
    }
    for (CompletableFuture<?> each : all) {
      Initiator.await(each, 60);
    }
  }

  private static int read(Disk disk, int index) throws Exception {
    ByteBuffer data = Initiator.await(disk.read((long) index * APART, 1), 60).rewind();
    assertThat(data).isEqualTo(block(data.getInt(0)));
    return data.getInt(0);
  }

  private static int[] read(Disk disk) throws Exception {
    int[] found = new int[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
      found[i] = read(disk, i);
    }
    return found;
  }

  private static int[] all(int value) {
    int[] same = new int[BLOCKS];
    Arrays.fill(same, value);
    return same;
  }

  private static void takeOver(RbdGateway gateway) throws Exception {
    gateway.site.ask("volume take-over", Map.of("volume", "vm1"));
  }

  private static void snapshot(RbdGateway gateway, String name) throws Exception {
    gateway.site.ask("snapshot create", Map.of("volume", "vm1", "name", name));
  }

  private static List<?> snapshots(RbdGateway gateway) throws Exception {
    return (List<?>)
        Objects.requireNonNull(gateway.site.ask("snapshot list", Map.of()).get("snapshots"));
  }

  private String images() throws Exception {
    return Objects.requireNonNull(ceph).run("rbd", List.of("ls"));
  }

  @Test
  void aSnapshotIsReadableAtTheServerThatTakesTheVolumeOver() throws Exception {
    a.start();
    b.start();
    Disk disk = a.host().disk(0);
    fill(disk, 1);
    snapshot(a, "s");
    fill(disk, 2);
    assertThat(images()).contains("rbd." + image + ".s.cow");
    assertThat(snapshots(b)).isEmpty();
    takeOver(b);
    assertThat(snapshots(b)).hasSize(1);
    Site.Host host = b.host();
    assertThat(read(host.disk(1))).as("the snapshot").isEqualTo(all(1));
    assertThat(read(host.disk(0))).as("the volume").isEqualTo(all(2));
    assertThatThrownBy(() -> read(disk, 0)).isInstanceOf(IOException.class);
    a.awaitState("standby");
    Await.until("the former owner has forgotten", () -> snapshots(a).isEmpty());
    fill(host.disk(0), 3);
    assertThat(read(host.disk(1))).isEqualTo(all(1));
    takeOver(a);
    Site.Host back = a.host();
    assertThat(read(back.disk(1))).isEqualTo(all(1));
    assertThat(read(back.disk(0))).isEqualTo(all(3));
    a.site.ask("snapshot merge", Map.of("name", "vm1@s", "now", true, "wait", true));
    assertThat(read(back.disk(0))).isEqualTo(all(1));
    assertThat(images()).doesNotContain(".cow");
  }

  @Test
  void aServerThatStartsAfterTheOtherOneStoppedHasItsSnapshots() throws Exception {
    a.start();
    Disk disk = a.host().disk(0);
    fill(disk, 1);
    snapshot(a, "s");
    fill(disk, 2);
    a.stop();
    b.start();
    assertThat(b.state()).isEqualTo("served");
    Site.Host host = b.host();
    assertThat(read(host.disk(1))).isEqualTo(all(1));
    assertThat(read(host.disk(0))).isEqualTo(all(2));
    b.site.ask("snapshot remove", Map.of("name", "vm1@s", "force", true));
    assertThat(images()).doesNotContain(".cow");
  }
}
