// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.anabranch.initiator.Initiator;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bars on a real terminal: which characters they have, and where Ctrl-C leaves the cursor. */
final class TerminalTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String VOLUME =
      "volumes { vm1 { path = vm1.img, size = 16 MiB } }\n"
          + "targets { \"%s\" { luns { 0 = vm1 } } }\n".formatted(TARGET);
  private static final int MIB = 1 << 20;

  /** Nothing else, escape codes included. */
  private static final Pattern ASCII = Pattern.compile("\\p{ASCII}*", Pattern.DOTALL);

  @TempDir private Path folder;

  @BeforeEach
  void needsTerminals() {
    Pty.require();
  }

  /** A merge of 8 MiB at 1 MB/s, which shows a bar long enough to see it. */
  private List<String> slowMerge(Site site, ServerProcess server) throws Exception {
    site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
    try (Initiator initiator = new Initiator()) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Initiator.await(host.disk(0).write(0, ByteBuffer.allocate(8 * MIB)), 60);
      Initiator.await(host.session().logout(), 60);
    }
    List<String> words =
        new ArrayList<>(List.of("snapshot", "merge", "vm1@a", "--wait", "--throttle", "1MB/s"));
    words.addAll(List.of("--socket", site.socket().toString()));
    return ServerProcess.command(folder, words.toArray(String[]::new));
  }

  private String interrupted(Map<String, String> environment, String bar) throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(VOLUME)) {
      String line =
          "trap : INT; " + Pty.quoted(slowMerge(site, server)) + "; echo \"PROMPT after $?\"";
      try (Pty terminal = new Pty(folder, environment, line)) {
        terminal.awaitShown(bar);
        terminal.interrupt();
        return terminal.end();
      }
    }
  }

  @Test
  void aBarIsAsciiInALocaleWithoutUtf8() throws Exception {
    leavesALineForThePrompt(interrupted(Map.of("LC_ALL", "C"), "#.")).matches(ASCII);
  }

  @Test
  void aBarIsAsciiWhereTheLauncherSaysSo() throws Exception {
    Map<String, String> launched = Map.of("LC_CTYPE", "C.UTF-8", "ANABRANCH_TERMINAL", "ascii");
    leavesALineForThePrompt(interrupted(launched, "#.")).matches(ASCII);
  }

  @Test
  void aBarHasBlocksInALocaleWithUtf8() throws Exception {
    leavesALineForThePrompt(interrupted(Map.of("LC_ALL", "C.UTF-8"), "█░"));
  }

  /**
   * A command that was interrupted under a bar ends the bar's line, so that a shell can begin one.
   */
  private static AbstractStringAssert<?> leavesALineForThePrompt(String shown) {
    return assertThat(shown)
        .contains("the rollback goes on; snapshot list shows how far it is\r\n")
        .endsWith("\nPROMPT after 130\r\n");
  }

  @Test
  void anInterruptedDemoLeavesALineForThePrompt() throws Exception {
    String line =
        "trap : INT; " + Pty.quoted(ServerProcess.command(folder, "demo")) + "; echo PROMPT";
    try (Pty terminal = new Pty(folder, Map.of("LC_ALL", "C"), line)) {
      terminal.awaitShown("#.");
      terminal.interrupt();
      assertThat(terminal.end()).matches(ASCII).endsWith("\nPROMPT\r\n");
    }
  }
}
