// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.EmbeddedDefaults;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What libiscsi's programs see of a server. */
final class LibiscsiTest {
  private static final String VM1 = "iqn.2026-11.org.example:vm1";
  private static final String TWO =
      """
      anabranch {
        portals = ["127.0.0.1:0", "[::1]:0"]
        state-dir = state
        volumes {
          vm1 { path = vm1.img, size = 64 MiB }
          k4 { path = k4.img, size = 32 MiB, block-size = 4096 }
        }
        devices { joined = ["0 2048 linear vm1 0", "2048 2048 zero"] }
        targets {
          "iqn.2026-11.org.example:vm1" {
            luns { 0 = vm1, 7 = joined }
            chap { user = vm1, secret = "correct horse 16" }
          }
          "iqn.2026-11.org.example:others" {
            luns { 0 = k4, 1 { device = vm1, initiators = ["iqn.2026-11.org.example:friend"] } }
          }
        }
      }
      """;

  @TempDir Path folder;

  /** It logs in to each target, and closes the connection without a Logout. */
  @Test
  void aMergeDoesNotWaitForAListOfDisks() throws Exception {
    Tools.require("iscsi-ls");
    Site site = new Site(folder);
    try (ServerProcess server =
        site.serve(
            "volumes { vm1 { path = vm1.img, size = 1 MiB } }\n"
                + "targets { \"iqn.2026-11.org.example:vm1\" { luns { 0 = vm1 } } }\n")) {
      site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
      Tools.run(20, "iscsi-ls", "-s", "iscsi://" + server.portal()).expect(0);
      Await.until(
          "its session is over",
          () -> String.valueOf(site.ask("session list", Map.of())),
          "{sessions=[]}"::equals);
      assertThat(site.ask("snapshot merge", Map.of("name", "vm1@a", "wait", true)))
          .containsEntry("phase", "merged");
    }
  }

  @Test
  void theEmbeddedDiskIsListedWithItsSize() throws Exception {
    Tools.require("iscsi-ls", "iscsi-inq", "iscsi-readcapacity16");
    try (ServerProcess server = ServerProcess.serving(folder)) {
      String list =
          Tools.run(20, "iscsi-ls", "-s", "iscsi://" + server.portal()).expect(0).output();
      assertThat(list)
          .contains("Target:" + EmbeddedDefaults.TARGET + " Portal:" + server.portal() + ",1")
          .containsPattern(
              "Lun:0 +Type:DIRECT_ACCESS \\(Size:1023M\\)"); // it counts to the last block

      String url = server.url(EmbeddedDefaults.TARGET, 0);
      String inquiry = Tools.run(20, "iscsi-inq", url).expect(0).output();
      assertThat(inquiry).contains("Vendor:ANABRNCH").contains("DIRECT_ACCESS");
      String ids = Tools.run(20, "iscsi-inq", "-e", "1", "-c", "131", url).expect(0).output();
      assertThat(ids).contains("Page Code:(0x83) DEVICE_IDENTIFICATION").contains("NAA");
      String capacity = Tools.run(20, "iscsi-readcapacity16", url).expect(0).output();
      assertThat(capacity)
          .containsPattern("RETURNED LOGICAL BLOCK ADDRESS: *2097151")
          .containsPattern("LOGICAL BLOCK LENGTH IN BYTES: *512")
          .containsPattern("Total size: *1073741824");
    }
  }

  @Test
  void theIdentityOfADiskOutlivesTheServer() throws Exception {
    Tools.require("iscsi-inq");
    String[] ids = new String[2];
    for (int i = 0; i < 2; i++) {
      try (ServerProcess server = ServerProcess.serving(folder)) {
        ids[i] =
            Tools.run(
                    20, "iscsi-inq", "-e", "1", "-c", "128", server.url(EmbeddedDefaults.TARGET, 0))
                .expect(0)
                .output();
        assertThat(server.terminate()).isZero();
      }
    }
    assertThat(ids[0]).isEqualTo(ids[1]);
    Path elsewhere = java.nio.file.Files.createDirectory(folder.resolve("b"));
    try (ServerProcess other = ServerProcess.serving(elsewhere)) {
      assertThat(
              Tools.run(
                      20,
                      "iscsi-inq",
                      "-e",
                      "1",
                      "-c",
                      "128",
                      other.url(EmbeddedDefaults.TARGET, 0))
                  .output())
          .isNotEqualTo(ids[0]);
    }
  }

  @Test
  void targetsLunsChapAndMasksAreAsConfigured() throws Exception {
    Tools.require("iscsi-ls", "iscsi-readcapacity16");
    try (ServerProcess server = ServerProcess.serving(folder, TWO)) {
      assertThat(server.readyLine())
          .matches("anabranch: ready, portals 127\\.0\\.0\\.1:\\d+ \\[0:0:0:0:0:0:0:1\\]:\\d+");
      String all = Tools.run(20, "iscsi-ls", "iscsi://" + server.portal()).output();
      assertThat(all).contains(VM1).contains("iqn.2026-11.org.example:others");

      String chap = "iscsi://vm1%correct horse 16@" + server.portal() + "/" + VM1 + "/7";
      assertThat(Tools.run(20, "iscsi-readcapacity16", chap).expect(0).output())
          .containsPattern("Total size: *2097152");
      for (String bad :
          new String[] {
            server.url(VM1, 7), chap.replace("horse", "house"), chap.replace("vm1%", "vm2%")
          }) {
        assertThat(Tools.run(20, "iscsi-readcapacity16", bad).status()).isNotZero();
      }

      String others = "iqn.2026-11.org.example:others";
      assertThat(Tools.run(20, "iscsi-readcapacity16", server.url(others, 0)).expect(0).output())
          .containsPattern("LOGICAL BLOCK LENGTH IN BYTES: *4096");
      assertThat(Tools.run(20, "iscsi-readcapacity16", server.url(others, 1)).status()).isNotZero();
      Tools.run(
              20,
              "iscsi-readcapacity16",
              "-i",
              "iqn.2026-11.org.example:friend",
              server.url(others, 1))
          .expect(0);

      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("correct horse").doesNotContain("ERROR");
    }
  }
}
