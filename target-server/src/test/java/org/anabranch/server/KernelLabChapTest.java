// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * CHAP with Linux's open-iscsi, with each digest that it has, and a list of initiators; see
 * test-lab/README.md.
 */
@TakesLong
final class KernelLabChapTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final String PREFIX = "iqn.2026-11.org.example";
  private static final String SECRET = "correct-horse-16";
  private static final String TARGET_SECRET = "battery-staple16";
  private static final List<String> DIGESTS = List.of("MD5", "SHA1", "SHA256", "SHA3-256");
  private static final String ANYBODY = "*";

  @TempDir Path folder;

  @BeforeAll
  static void lab() {
    KernelLabTest.lab();
  }

  private static String configuration() {
    StringBuilder targets = new StringBuilder();
    for (String digest : DIGESTS) {
      targets.append(target(digest.toLowerCase(Locale.ROOT), "vm1", "[" + digest + "]", ANYBODY));
    }
    String every = "[" + String.join(", ", DIGESTS) + "]";
    targets.append(target("hex", "0x1234", every, ANYBODY));
    targets.append(target("base64", "0bQUJD", every, ANYBODY));
    targets.append(target("others", "vm1", every, PREFIX + ":*"));
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

  private static String target(String name, String user, String digests, String initiators) {
    return """
        "%s:%s" {
          luns { 0 = vm1 }
          initiators = ["%s"]
          chap {
            user = %s, secret = "%s", digests = %s
            mutual { user = target, secret = "%s" }
          }
        }
    """
        .formatted(PREFIX, name, initiators, user, SECRET, digests, TARGET_SECRET);
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
      List<String> said = result.output().lines().toList();
      assertThat(said).contains("GUEST-OK", "ADMITTED MD5, mutual", "ADMITTED SHA1, mutual");
      said.stream().filter(line -> line.startsWith("WITHOUT ")).forEach(System.out::println);
      assertThat(server.terminate()).isZero();
      assertThat(server.errors())
          .doesNotContain("ERROR")
          .doesNotContain(SECRET)
          .doesNotContain(TARGET_SECRET);
      List<String> refusals =
          server
              .errors()
              .lines()
              .filter(line -> line.contains("refused"))
              .collect(Collectors.toCollection(ArrayList::new));
      assertThat(refusals.removeLast())
          .contains(
              "login refused with 0203 in place of 0202: not in the access list of target "
                  + PREFIX
                  + ":others");
      assertThat(refusals).allMatch(line -> line.contains(" refused with 0201: "));
      assertThat(refusals.stream().mapToLong(KernelLabChapTest::refusals).sum())
          .as("each other one is in a line, or counted in one")
          .isEqualTo(said.stream().filter(line -> line.startsWith("REFUSED ")).count() - 1);
    }
  }

  /** How many refusals a line of the log stands for: one, or one with those that it sums up. */
  private static long refusals(String line) {
    Matcher more = Pattern.compile("\\(and ([0-9]+) more like it").matcher(line);
    return more.find() ? 1 + Long.parseLong(more.group(1)) : 1;
  }
}
