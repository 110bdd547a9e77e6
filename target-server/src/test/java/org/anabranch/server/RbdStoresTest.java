// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two servers, one image, and its snapshots with stores in the cluster: they go with the volume.
 */
@Timeout(180)
final class RbdStoresTest extends TwoRbdGateways {
  private static final int BLOCKS = 64;
  private static final int APART = 300;

  @BeforeEach
  void keepStoresInTheCluster() {
    for (RbdGateway gateway : List.of(a, b)) {
      gateway.more = "stores.pool = rbd";
      gateway.luns = "0 = vm1, 1 = \"vm1@s\"";
    }
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

  private static void snapshot(RbdGateway gateway, String name) throws Exception {
    gateway.site.ask("snapshot create", Map.of("volume", "vm1", "name", name));
  }

  private static List<?> snapshots(RbdGateway gateway) throws Exception {
    return (List<?>)
        Objects.requireNonNull(gateway.site.ask("snapshot list", Map.of()).get("snapshots"));
  }

  private String images() throws Exception {
    return ceph().run("rbd", List.of("ls"));
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
