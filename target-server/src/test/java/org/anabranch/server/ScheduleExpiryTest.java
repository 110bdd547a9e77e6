// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A schedule that keeps one snapshot removes no older one that somebody needs. */
final class ScheduleExpiryTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1 } } }
      snapshots { seldom { volumes = [vm1], every = 366 d, keep = 1 } }
      """;
  private static final int MIB = 1 << 20;

  @TempDir private Path folder;
  private Site site;

  @BeforeEach
  void prepare() {
    site = new Site(folder);
  }

  /** Runs the schedule; the snapshot that it took. */
  private String run() throws Exception {
    List<String> before = names();
    site.ask("schedule run", Map.of("name", "seldom"));
    List<String> taken = new ArrayList<>(names());
    taken.removeAll(before);
    assertThat(taken).hasSize(1);
    return taken.getFirst();
  }

  private List<String> names() throws Exception {
    return ((List<?>) Objects.requireNonNull(site.ask("snapshot list", Map.of()).get("snapshots")))
        .stream().map(each -> String.valueOf(((Map<?, ?>) each).get("name"))).toList();
  }

  private static void fill(Disk disk, int value) throws Exception {
    for (int mib = 0; mib < 16; mib++) {
      ByteBuffer data = ByteBuffer.allocate(MIB);
      while (data.hasRemaining()) {
        data.putInt(value);
      }
      Initiator.await(disk.write(mib * 2048L, data.flip()), 30);
    }
  }

  private static int first(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).getInt(0);
  }

  @Test
  void whatAnInitiatorIsLoggedInToStaysUntilItHasLoggedOut() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      fill(host.disk(0), 1);
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      String used = run();
      site.anabranch(0, "lun", "add", TARGET, "5", used);
      Site.Host reader = Site.Host.logIn(initiator, server, TARGET);
      fill(reader.disk(0), 2);
      String second = run();
      String third = run();
      assertThat(names()).containsExactlyInAnyOrder(used, third).doesNotContain(second);
      assertThat(first(reader.disk(5))).isEqualTo(1);
      assertThat(server.errors()).contains(used + " stays: an initiator uses it");
      // It is cut off, and may come back with what it has in memory.
      reader.stays();
      reader.session().close();
      String fourth = run();
      assertThat(names()).containsExactlyInAnyOrder(used, fourth);
      Site.Host again = Site.Host.logIn(initiator, server, TARGET);
      Initiator.await(again.session().logout(), 30);
      again.awaitClosed();
      // Nobody uses it now, but the LUN is there for somebody who may log in again.
      String fifth = run();
      assertThat(names()).containsExactlyInAnyOrder(used, fifth);
      assertThat(server.errors()).contains(used + " stays: it is LUN 5 of " + TARGET);
      site.anabranch(0, "lun", "remove", TARGET, "5");
      String last = run();
      assertThat(names()).containsExactly(last);
      assertThat(server.terminate()).isZero();
    }
  }

  /** Also not by the run that fails, since a volume that is rolled back has no new snapshots. */
  @Test
  void whatIsBeingRolledBackToStays() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      fill(host.disk(0), 1);
      String merged = run();
      fill(host.disk(0), 2);
      site.ask(
          "snapshot merge",
          Map.of("name", merged, "now", true, "keep", true, "throttle", 256 << 10));
      assertThat(site.refusal("schedule run", Map.of("name", "seldom")))
          .contains("no snapshot was taken", "is being rolled back");
      assertThat(names()).containsExactly(merged);
      assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=merging");
      assertThat(site.ask("status", Map.of()).toString())
          .contains("schedule seldom", "is being rolled back");
      site.ask("snapshot throttle", Map.of("name", merged, "bytes-per-second", 0));
      Await.until(
          "the end of the merge",
          () -> site.ask("snapshot list", Map.of()).toString().contains("phase=ready"));
      assertThat(first(host.disk(0))).isEqualTo(1);
      String last = run();
      assertThat(names()).containsExactly(last);
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void whatIsExportedStaysAndIsWhole() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      fill(host.disk(0), 1);
      String exported = run();
      fill(host.disk(0), 2);
      try (ServerProcess export =
          new ServerProcess(
              folder, "snapshot", "export", exported, "-", "--socket", site.socket().toString())) {
        // It has begun, and cannot end before somebody reads the rest.
        assertThat(export.process().getInputStream().read()).isNotNegative();
        String second = run();
        assertThat(names()).containsExactlyInAnyOrder(exported, second);
        assertThat(site.refusal("snapshot remove", Map.of("name", exported)))
            .contains("is being read or exported");
        assertThat(export.process().getInputStream().readAllBytes()).hasSizeGreaterThan(16 * MIB);
        assertThat(export.await()).as(export.errors()).isZero();
      }
      String last = run();
      assertThat(names()).containsExactly(last);
      assertThat(server.terminate()).isZero();
    }
  }
}
