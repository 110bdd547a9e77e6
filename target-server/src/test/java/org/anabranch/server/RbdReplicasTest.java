// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.block.testing.TestCeph;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A volume and its stores in a cluster with three OSDs, of which one dies for good. */
final class RbdReplicasTest extends RemoteVolumeTest {
  private static @Nullable TestCeph ceph;

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.requireReplicas();
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  @Test
  void theOthersGoOnWhenAnOsdDiesUnderFirstWrites() throws Exception {
    TestCeph cluster = Objects.requireNonNull(ceph);
    serve(
        "ceph.conf = \"" + cluster.conf() + "\"\nstores.pool = rbd", "rbd = rbd/v, size = 16 MiB");
    CountedBlocks blocks = new CountedBlocks(disk(0));
    blocks.writeAll();
    int[] before = blocks.acknowledged();
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    blocks.writeDuring(() -> {
      cluster.killOsd(1);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "b"));
    });
    blocks.writeAll();
    blocks.verify();
    assertThat(cluster.run("ceph", List.of("osd", "stat"))).contains("3 osds: 2 up");
    assertThat(warnings()).doesNotContain("vm1");
    site.ask("snapshot merge", Map.of("name", "vm1@b", "now", true, "wait", true));
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    new CountedBlocks(disk(0), before).verify();
  }
}
