// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Linux's open-iscsi, its file systems and sg3-utils in the kernel lab, see test-lab/README.md. */
final class KernelLabTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final long BYTES = 128L << 20;
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { vm1 { path = vm1.img, size = %d, physical-block-size = 4096 } }
        targets { "%s" { luns { 0 = vm1 } } }
      }
      """
          .formatted(BYTES, TARGET);

  /** Writes take 8 ms, so that a sanitize can be seen at work. */
  private static final String SLOW =
      CONFIGURATION
          .replace(
              "targets {",
              "devices { slow = \"0 %d delay vm1 0 0 vm1 0 8\" }\n  targets {"
                  .formatted(BYTES / 512))
          .replace("0 = vm1", "0 = slow");

  @TempDir Path folder;

  @BeforeAll
  static void lab() {
    Tools.require("qemu-system-x86_64", "bash");
    String folder = Objects.requireNonNullElse(System.getenv("LAB"), "/tmp/kernel-lab");
    Tools.requireThat(
        Files.exists(Path.of(folder, "vmlinux")),
        "no kernel lab in " + folder + ": run test-lab/build, or set LAB");
  }

  /** Runs a script in a guest, which reaches our loopback as 10.0.2.2, and the server there. */
  private void guest(ServerProcess server, String script, String... variables) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "bash",
                LAB.resolve("run").toString(),
                LAB.resolve("guest").resolve(script).toString(),
                "--timeout",
                "300"));
    List<String> all = new ArrayList<>(List.of(variables));
    all.add("PORTAL=10.0.2.2:" + server.port());
    all.add("TARGET=" + TARGET);
    all.add("BYTES=" + BYTES);
    for (String variable : all) {
      command.addAll(List.of("--env", variable));
    }
    Tools.Result result = Tools.run(330, command.toArray(String[]::new)).expect(0);
    assertThat(result.output()).contains("GUEST-OK");
    assertThat(server.terminate()).isZero();
    assertThat(server.errors()).doesNotContain("ERROR");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1"})
  void aGuestMakesAFileSystemWritesChecksAndLogsOut(String digest) throws Exception {
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
      guest(server, "iscsi-ext4.sh", "DIGEST=" + digest);
    }
    Tools.run(60, "e2fsck", "-fn", folder.resolve("vm1.img").toString()).expect(0);
  }

  @Test
  @TakesLong
  void sg3UtilsSeeADiskThatKeepsItsReservationOverARestart() throws Exception {
    for (int step = 1; step <= 2; step++) {
      try (ServerProcess server = ServerProcess.serving(folder, SLOW)) {
        guest(server, "sg3.sh", "STEP=" + step);
      }
    }
  }
}
