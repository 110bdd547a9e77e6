// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Volumes on images of a real Ceph cluster, which keeps what is acknowledged. */
final class RbdVolumeTest extends RemoteVolumeTest {
  private static final int BYTES = 16 << 20;
  private static final AtomicInteger NEXT = new AtomicInteger();

  private static @Nullable TestCeph ceph;

  private final String image = "rbd/v" + NEXT.incrementAndGet();

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.require(true);
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  private static TestCeph ceph() {
    return Objects.requireNonNull(ceph);
  }

  private void serve(String size) throws Exception {
    serve("ceph.conf = \"" + ceph().conf() + "\"", "rbd = \"" + image + "\"" + size);
  }

  @Test
  void anImageIsMadeAndHasSnapshotsThatSurviveARestartAndAreRolledBack() throws Exception {
    serve(", size = " + BYTES);
    assertThat(ceph().run("rbd", List.of("info", image))).contains("16 MiB");
    assertThat(ceph().run("rbd", List.of("image-meta", "ls", image)))
        .contains("anabranch.volume")
        .contains("anabranch.names");
    Disk disk = disk(0);
    assertThat(disk.bytes()).isEqualTo(BYTES);
    write(disk, 0, 4096, 1);
    write(disk, 100, 8, 2);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    write(disk, 0, 256, 3);
    Initiator.await(disk.unmap(512, 64), 60);
    reads(disk, 512, 64, 0);
    stop();
    serve(", size = " + BYTES);
    Disk again = disk(0);
    reads(again, 0, 256, 3);
    reads(again, 512, 64, 0);
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    reads(again, 0, 100, 1);
    reads(again, 100, 8, 2);
    reads(again, 108, 3988, 1);
    site.ask("volume resize", Map.of("volume", "vm1", "bytes", 2L * BYTES));
    assertThat(ceph().run("rbd", List.of("info", image))).contains("32 MiB");
    stop();
    serve("");
    assertThat(disk(0).bytes()).isEqualTo(2L * BYTES);
    reads(disk(0), 108, 3988, 1);
    assertThat(warnings()).doesNotContain("vm1");
  }

  @Test
  void theNamesOfTheDiskAreKeptWithTheImage() throws Exception {
    serve(", size = " + BYTES);
    String names = ceph().run("rbd", List.of("image-meta", "get", image, "anabranch.names"));
    stop();
    Path state = folder.resolve("state");
    assertThat(new ProcessBuilder("rm", "-r", state.toString()).start().waitFor()).isZero();
    serve(", size = " + BYTES);
    assertThat(ceph().run("rbd", List.of("image-meta", "get", image, "anabranch.names")))
        .isEqualTo(names);
  }

  @Test
  void aVolumeIsLeftOutWhileItsImageIsAbsentAndServedByARetry() throws Exception {
    serve("");
    assertThat(warnings()).contains("volume vm1: it is not served").contains(image);
    write(disk(1), 0, 8, 9);
    ceph().run("rbd", List.of("create", "--size", "16M", image));
    site.ask("volume retry", Map.of("volume", "vm1"));
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    reads(disk, 0, 8, 5);
    assertThat(warnings()).doesNotContain("vm1");
  }

  @Test
  void aServerThatIsShutOutFailsWhatItHasAndStandsByUntilTheImageIsFree() throws Exception {
    serve(", size = " + BYTES);
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    String locks = ceph().run("rbd", List.of("lock", "ls", "--format", "json", image));
    ceph()
        .run(
            "rbd",
            List.of(
                "lock",
                "rm",
                image,
                locks.replaceAll("(?s).*\"id\":\"([^\"]*)\".*", "$1"),
                locks.replaceAll("(?s).*\"locker\":\"([^\"]*)\".*", "$1")));
    assertThatThrownBy(() -> write(disk, 0, 8, 6)).isInstanceOf(IOException.class);
    write(disk(1), 0, 8, 9); // by a new session: those that saw the volume were dropped
    reads(disk(1), 0, 8, 9);
    Await.until("the image, which nobody has, is taken again", () -> state().equals("served"));
    reads(disk(0), 0, 8, 5);
    write(disk(0), 0, 8, 7);
    reads(disk(0), 0, 8, 7);
  }

  private String state() throws Exception {
    Object volumes = Objects.requireNonNull(site.ask("status", Map.of()).get("volumes"));
    return String.valueOf(((Map<?, ?>) ((List<?>) volumes).getFirst()).get("state"));
  }

  /** A writer counts up each of its blocks; after each death of the OSD it reads them all. */
  @Test
  void whatIsAcknowledgedSurvivesTheDeathOfTheOsdUnderLoad() throws Exception {
    serve(", size = " + BYTES);
    Disk disk = disk(0);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    CountedBlocks blocks = new CountedBlocks(disk);
    for (int round = 1; round <= 2; round++) {
      blocks.writeDuring(() -> {
        ceph().killOsd(0);
        ceph().startOsd();
      });
      blocks.verify();
    }
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    reads(disk, 0, 8, 0);
  }
}
