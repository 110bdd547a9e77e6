// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume that initiators reach by a device that is made of it, and not as a LUN of its own. */
final class StackedDevicesTest {
  private static final String TARGET = "iqn.2026-11.org.example:d";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 4 MiB } }
      devices { c = "0 8192 linear vm1 0", d = "0 8192 linear c 0" }
      targets { "iqn.2026-11.org.example:d" { luns { 0 = d } } }
      """;

  @TempDir private Path folder;

  @Test
  void itsSessionsAreThoseOfTheVolume() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      site.ask("volume resize", Map.of("volume", "vm1", "bytes", 8 << 20));
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      assertThat(
              site.refusal(
                  "volume resize", Map.of("volume", "vm1", "bytes", 4 << 20, "force", true)))
          .isEqualTo("volume vm1 is below c, d: give that another table first");

      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, 7)), 30);
      assertThat(site.ask("snapshot merge", Map.of("name", "vm1@a")))
          .containsEntry("phase", "waiting");
      assertThat(site.anabranch(0, "snapshot", "merge", "--cancel", "vm1@a"))
          .isEqualTo("volume vm1 will not be rolled back to vm1@a\n");
      assertThat(site.anabranch(2, "snapshot", "merge", "--cancel", "--now", "vm1@a"))
          .contains("--cancel goes with no other option");
      site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
      ByteBuffer data = Initiator.await(disk.read(0, 8), 30).rewind();
      assertThat(data.getInt(0)).isZero();
      assertThat(host.heard()).contains("28/00");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void whatIsNotThereIsSaid() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.refusal("snapshot list", Map.of("volume", "nosuch")))
          .isEqualTo("there is no volume nosuch; there are: vm1");
      assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a")))
          .isEqualTo("there is no snapshot vm1@a; there is none");
      assertThat(site.ask("snapshot list", Map.of("volume", "vm1")))
          .containsEntry("snapshots", List.of());
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      long beyond = (1L << 32) + 1;
      assertThat(site.refusal("session drop", Map.of("id", beyond)))
          .isEqualTo("there is no session " + beyond + "; session list shows which there are");
      assertThat(host.lives()).isTrue();
    }
  }
}
