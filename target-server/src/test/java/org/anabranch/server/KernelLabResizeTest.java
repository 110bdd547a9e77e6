// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Linux guest whose disk grows while its file system is mounted, see test-lab/README.md. */
@TakesLong
final class KernelLabResizeTest {
  private static final long BYTES = 64L << 20;
  private static final long GROWN = 96L << 20;

  @TempDir Path folder;

  @BeforeAll
  static void lab() {
    KernelLabTest.lab();
  }

  @Test
  void aGuestGrowsItsMountedExt4() throws Exception {
    Site site = new Site(folder);
    String configuration =
        """
        volumes { vm1 { path = vm1.img, size = %d } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
        """
            .formatted(BYTES);
    try (ServerProcess server = site.serve(configuration)) {
      Path lab = Path.of("..", "test-lab").toAbsolutePath().normalize();
      Process guest =
          new ProcessBuilder(
                  "bash",
                  lab.resolve("run").toString(),
                  lab.resolve("guest/iscsi-grow.sh").toString(),
                  "--timeout",
                  "300",
                  "--env",
                  "PORTAL=10.0.2.2:" + server.port(),
                  "--env",
                  "TARGET=iqn.2026-11.org.example:vm1",
                  "--env",
                  "BYTES=" + BYTES,
                  "--env",
                  "GROWN=" + GROWN)
              .redirectErrorStream(true)
              .start();
      StringBuilder console = new StringBuilder();
      try (BufferedReader lines = guest.inputReader(StandardCharsets.UTF_8)) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          console.append(line).append('\n');
          if (line.contains("GROW-NOW")) {
            site.ask("volume resize", Map.of("volume", "vm1", "bytes", GROWN));
          }
        }
      }
      assertThat(guest.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(guest.exitValue()).as(console.toString()).isZero();
      assertThat(console.toString()).contains("GUEST-OK");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(folder.resolve("vm1.img")).hasSize(GROWN);
    Tools.run(60, "e2fsck", "-fn", folder.resolve("vm1.img").toString()).expect(0);
  }
}
