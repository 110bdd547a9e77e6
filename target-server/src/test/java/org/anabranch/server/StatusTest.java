// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code anabranch status} warns of. */
@Timeout(120)
final class StatusTest {
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      stores { warn-below = 0, autoextend { enabled = false } }
      """;

  @TempDir private Path folder;

  private static List<?> warnings(Site site) throws Exception {
    Object warnings = site.ask("status", Map.of()).get("warnings");
    return warnings instanceof List<?> list ? list : List.of("no list: " + warnings);
  }

  @Test
  void suspendedDevicesAndRefusedReloadsAreWarningsWithTheirRemedies() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(warnings(site)).isEmpty();
      site.dm("suspend", "vm1");
      assertThat(warnings(site))
          .singleElement()
          .asString()
          .contains("device vm1: it is suspended", "anabranch dm resume vm1");
      assertThat(site.anabranch(0, "status"))
          .contains("WARNING: device vm1: it is suspended")
          .containsPattern("vm1 +16 MiB .*SUSPENDED 0 32768 snapshot-origin")
          .containsPattern("0 +vm1 +iqn.2026-11.org.example:vm1 +nobody");
      assertThat(Json.objects(Json.parse(site.anabranch(0, "status", "--json")), "problems"))
          .singleElement()
          .isEqualTo(
              Map.of(
                  "subject",
                  "device vm1",
                  "text",
                  "it is suspended: requests to it and to what is made of it wait",
                  "remedy",
                  "anabranch dm resume vm1"));
      site.dm("resume", "vm1");
      assertThat(warnings(site)).isEmpty();

      site.configure(CONFIGURATION.replace("16 MiB", "many"));
      assertThat(site.refusal("reload", Map.of())).contains("many");
      assertThat(warnings(site))
          .singleElement()
          .asString()
          .contains("configuration: the last reload was refused", "many");
      site.configure(CONFIGURATION);
      site.ask("reload", Map.of());
      assertThat(warnings(site)).isEmpty();
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void anInvalidSnapshotIsAWarningUntilItIsRemoved() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION);
        var initiator = new Initiator()) {
      site.ask(
          "snapshot create",
          Map.of("volume", "vm1", "name", "a", "chunk-sectors", 8, "size", 65536));
      var disk = Site.Host.logIn(initiator, server, "iqn.2026-11.org.example:vm1").disk(0);
      Initiator.await(disk.write(0, ByteBuffer.allocate(256 << 10)), 30);
      assertThat(warnings(site))
          .singleElement()
          .asString()
          .contains("snapshot vm1@a: it is invalid", "anabranch snapshot remove vm1@a");
      assertThat(site.anabranch(0, "status"))
          .containsPattern("vm1@a +\\S+ +INVALID +its contents are lost")
          .containsPattern("vm1 +16 MiB +\\S+ \\wi?B +\\S+ \\wi?B +0 32768 snapshot-origin")
          .containsPattern(
              "0 +vm1 +iqn.2026-11.org.example:vm1 +iqn.2026-11.org.anabranch:initiator");
      site.ask("snapshot remove", Map.of("name", "vm1@a"));
      assertThat(warnings(site)).isEmpty();
      assertThat(server.terminate()).isZero();
      assertThat(server.errors().split("snapshot vm1@a: it is invalid", -1).length)
          .as("in the log")
          .isLessThanOrEqualTo(3); // begins, and ends, if it was seen at all
    }
  }
}
