// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code anabranch demo}, as it looks without a terminal. */
final class DemoTest {
  /** What the demo takes for the system's folder of temporary files: a socket's path is short. */
  private Path folder;

  @BeforeEach
  void make() throws IOException {
    folder = Files.createTempDirectory(Path.of("/tmp"), "demo-test");
  }

  @AfterEach
  void delete() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private List<String> leftBehind() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("anabranch-demo"))
          .toList();
    }
  }

  @Test
  void tellsTheWholeStoryInPlainLines() throws Exception {
    try (ServerProcess demo = ServerProcess.demo(folder)) {
      String story = demo.output();
      assertThat(demo.await()).as(story + demo.errors()).isZero();
      assertThat(story)
          .containsSubsequence(
              "iqn.2026-11.org.anabranch:disk0 on 127.0.0.1:",
              "LUN 0: ",
              "install    a system: 192 MiB in ",
              "✔ 192 MiB, all as written",
              "disk0@before-upgrade taken in ",
              "✘ ",
              "of the system are not what was installed",
              "$ anabranch status",
              "disk0@before-upgrade  ",
              "  ready  ",
              "$ anabranch snapshot merge --now disk0@before-upgrade",
              "merged back in ",
              "by the logged-in initiator, all right",
              "not ready to ready change (28/00)",
              "✔ 192 MiB of the system, all as installed",
              "✔ 16 MiB of log, all as written during the rollback",
              "$ anabranch dm table",
              "disk0: 0 2097152 snapshot-origin disk0.img",
              "every byte is as it was installed; all in ")
          .containsPattern("(?m)^  roll back  +\\d+ %  ")
          .doesNotContain("\u001b", "\r", "█");
      assertThat(demo.errors()).isEmpty();
      assertThat(leftBehind()).isEmpty();
    }
  }

  /** A line that wraps could not be written over: its first row would stay. */
  @Test
  void nothingWrapsOnATerminalOf80Columns() throws Exception {
    Tools.require("script", "stty");
    try (ServerProcess demo = ServerProcess.demoOnATerminal(folder, 80)) {
      String story = demo.output();
      assertThat(demo.await()).as(story + demo.errors()).isZero();
      assertThat(story).contains("\u001b[32m", "\u001b[K", "█", "░");
      List<String> lines =
          List.of(story.replaceAll("\u001b\\[[0-9;]*[A-Za-z]", "").split("[\r\n]+", -1));
      assertThat(lines).hasSizeGreaterThan(50);
      assertThat(lines)
          .filteredOn(line -> line.length() > (line.contains("%") ? 79 : 80))
          .isEmpty();
    }
  }

  @Test
  void anInterruptLeavesNothingBehind() throws Exception {
    try (ServerProcess demo = ServerProcess.demo(folder)) {
      String line;
      do {
        line = Objects.requireNonNull(demo.line());
      } while (!line.contains("LUN 0: "));
      assertThat(leftBehind()).hasSize(1);
      demo.process().toHandle().destroy(); // the JVM does the same at Ctrl-C
      assertThat(demo.output()).contains("did not come to its end; nothing is left behind");
      assertThat(demo.await()).isNotZero();
      assertThat(leftBehind()).isEmpty();
      assertThat(demo.errors()).doesNotContain("Exception");
    }
  }
}
