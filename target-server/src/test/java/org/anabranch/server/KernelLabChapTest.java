// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CHAP with Linux's open-iscsi, with each digest that it has; see test-lab/README.md. */
final class KernelLabChapTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final String PREFIX = "iqn.2026-11.org.example";
  private static final String SECRET = "correct-horse-16";
  private static final String TARGET_SECRET = "battery-staple16";
  private static final List<String> DIGESTS = List.of("MD5", "SHA1", "SHA256", "SHA3-256");

  /** Logins that the guest tries and that must fail: two a digest, and three others. */
  private static final int REFUSED = 2 * 4 + 3;

  @TempDir Path folder;

  @BeforeAll
  static void lab() {
    KernelLabTest.lab();
  }

  private static String configuration() {
    StringBuilder targets = new StringBuilder();
    for (String digest : DIGESTS) {
      targets.append(target(digest.toLowerCase(java.util.Locale.ROOT), "vm1", "[" + digest + "]"));
    }
    String every = "[" + String.join(", ", DIGESTS) + "]";
    targets.append(target("hex", "0x1234", every)).append(target("base64", "0bQUJD", every));
    return """
    anabranch {
      portals = ["127.0.0.1:0"], state-dir = state
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets {
    %s  }
    }
    """
        .formatted(targets);
  }

  private static String target(String name, String user, String digests) {
    return """
        "%s:%s" {
          luns { 0 = vm1 }
          chap {
            user = %s, secret = "%s", digests = %s
            mutual { user = target, secret = "%s" }
          }
        }
    """
        .formatted(PREFIX, name, user, SECRET, digests, TARGET_SECRET);
  }

  @Test
  void aGuestProvesItselfWithEachDigest() throws Exception {
    try (ServerProcess server = ServerProcess.serving(folder, configuration())) {
      List<String> command =
          new ArrayList<>(
              List.of(
                  "bash",
                  LAB.resolve("run").toString(),
                  LAB.resolve("guest/iscsi-chap.sh").toString(),
                  "--timeout",
                  "300"));
      for (String variable :
          List.of(
              "PORTAL=10.0.2.2:" + server.port(),
              "PREFIX=" + PREFIX,
              "SECRET=" + SECRET,
              "TARGET_SECRET=" + TARGET_SECRET)) {
        command.addAll(List.of("--env", variable));
      }
      Tools.Result result = Tools.run(330, command.toArray(String[]::new)).expect(0);
      assertThat(result.output()).contains("GUEST-OK");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors())
          .doesNotContain("ERROR")
          .doesNotContain(SECRET)
          .doesNotContain(TARGET_SECRET);
      assertThat(server.errors().lines().filter(line -> line.contains("refused")))
          .as("one line for each, the same for all")
          .hasSize(REFUSED)
          .allMatch(line -> line.endsWith("login refused with 0201: authentication failed"));
    }
  }
}
