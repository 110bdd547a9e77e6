// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.ChapCredentials;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server writes to standard error, from the start to the end. */
final class ServerLogTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CHAP_TARGET = "iqn.2026-11.org.example:chap";
  private static final String PRIVATE = "iqn.2026-11.org.example:private";
  private static final String INITIATOR = "iqn.2026-11.org.example:host";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
      targets {
        "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } }
        "iqn.2026-11.org.example:chap" { luns { 0 = vm2 }, chap { user = vm1, secret = "correct horse" } }
        "iqn.2026-11.org.example:private" { luns { 0 = vm2 }, initiators = ["iqn.2026-11.org.example:x"] }
      }
      """;

  @TempDir Path folder;
  private final Initiator initiator = new Initiator(1);

  @AfterEach
  void close() {
    initiator.close();
  }

  private Session logIn(int port, SessionOptions options) throws Exception {
    var portal = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    return Initiator.await(initiator.login(portal, options.as(INITIATOR)), 30);
  }

  private void refused(int port, SessionOptions options) throws Exception {
    assertThatThrownBy(() -> logIn(port, options).close())
        .isInstanceOfSatisfying(
            LoginException.class, refusal -> assertThat(refusal.status() >> 8).isEqualTo(2));
  }

  private static SessionOptions chap(String user, String secret) {
    return SessionOptions.normal(CHAP_TARGET).chap(ChapCredentials.of(user, secret, Chap.SHA256));
  }

  private static void read(Session session) throws Exception {
    session.submit(Command.of(0, Cdb.testUnitReady())).get(20, TimeUnit.SECONDS);
    assertThat(
            session.submit(Command.in(0, Cdb.read(0, 1), 512)).get(20, TimeUnit.SECONDS).status())
        .isZero();
  }

  private static List<Map<String, Object>> json(String log) throws IOException {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (String line : log.lines().toList()) {
      lines.add(JSON.std.mapFrom(line));
    }
    return lines;
  }

  private static Map<String, Object> line(List<Map<String, Object>> lines, String part) {
    return lines.stream()
        .filter(line -> String.valueOf(line.get("message")).contains(part))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no line with " + part + " in " + lines));
  }

  @Test
  void everyLineIsJsonAndSaysWhoWasRefusedAndWhy() throws Exception {
    Site site = new Site(folder);
    String log;
    try (ServerProcess server = site.serve(CONFIGURATION + "log { format = json }")) {
      int port = server.port();
      Session session = logIn(port, SessionOptions.normal(TARGET));
      read(session);
      session.close();
      refused(port, chap("vm1", "battery staple"));
      refused(port, chap("a\u202eb\u200bc", "correct horse"));
      refused(port, SessionOptions.normal(CHAP_TARGET));
      refused(port, SessionOptions.normal(PRIVATE));
      Initiator.await(
          initiator.discover(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)), 30);
      assertThat(server.terminate()).isZero();
      log = server.errors();
    }
    List<Map<String, Object>> lines = json(log);
    assertThat(lines.getFirst())
        .containsEntry("level", "info")
        .containsEntry("subject", "server")
        .containsKeys("time", "version", "pid");
    assertThat(String.valueOf(lines.getFirst().get("message")))
        .startsWith("anabranch ")
        .contains(" starts with configuration " + site.configuration.toAbsolutePath())
        .contains("state in " + folder.resolve("state"));
    Map<String, Object> in = line(lines, "logged in to " + TARGET);
    assertThat(in).containsKeys("connection", "session").containsEntry("from", "127.0.0.1");
    Map<String, Object> out = line(lines, "session with " + TARGET + " closed");
    assertThat(out.get("connection")).isEqualTo(in.get("connection"));
    assertThat(out.get("session")).isEqualTo(in.get("session"));
    String refused = "login to " + CHAP_TARGET + " refused with 0201: ";
    assertThat(line(lines, refused + "wrong secret for user vm1"))
        .containsEntry("level", "warn")
        .containsEntry("subject", "iscsi")
        .containsKey("connection");
    assertThat(String.valueOf(line(lines, "wrong secret").get("message")))
        .matches("initiator " + INITIATOR + " from 127\\.0\\.0\\.1:[0-9]+: .*");
    line(lines, refused + "no user \"a\\u202eb\\u200bc\" for this initiator");
    line(lines, refused + "offered no CHAP");
    line(lines, "refused with 0203 in place of 0202: not in the access list of target " + PRIVATE);
    assertThat(log)
        .doesNotContain("correct horse")
        .doesNotContain("discovery")
        .doesNotContain("\u202e")
        .doesNotContain("org.anabranch");
  }

  @Test
  void aFloodOfRefusedLoginsLeavesAHandfulOfLines() throws Exception {
    try (ServerProcess server = new Site(folder).serve(CONFIGURATION + "log.format = logfmt")) {
      for (int i = 0; i < 500; i++) {
        refused(server.port(), SessionOptions.normal(TARGET + i));
      }
      refused(server.port(), SessionOptions.normal(PRIVATE));
      assertThat(server.terminate()).isZero();
      List<String> lines = server.errors().lines().filter(l -> l.contains("0203")).toList();
      assertThat(lines).hasSizeBetween(6, 40);
      assertThat(lines)
          .anyMatch(line -> line.matches(".* more like it from 127.0.0.1 within 10 s.*"));
      assertThat(server.errors()).as("another reason is not hidden").contains("0202");
    }
  }

  /** As with a pager that was stopped, or a journal. */
  @Test
  void nobodyReadsStandardErrorAndAllGoesOn() throws Exception {
    Site site = new Site(folder);
    site.configure(
        CONFIGURATION + "limits { connections-before-login = 1000, login-burst = 10000 }");
    Process server =
        new ProcessBuilder(
                ServerProcess.command(
                    folder, "serve", "-v", "--config", site.configuration.toString()))
            .directory(folder.toFile())
            .start();
    try (BufferedReader out = server.inputReader(StandardCharsets.UTF_8)) {
      String ready = out.readLine();
      int port = Integer.parseInt(ready.substring(ready.lastIndexOf(':') + 1));
      Session session = logIn(port, SessionOptions.normal(TARGET));
      var portal = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
      // Two debug lines for each, of more than 100 characters: more than pipe and queue hold.
      for (int i = 0; i < (4096 + (1 << 16) / 100) / 2; i++) {
        Initiator.await(initiator.discover(portal), 30);
      }
      read(session);
      session.close();
      server.toHandle().destroy();
      assertThat(server.waitFor(15, TimeUnit.SECONDS)).as("SIGTERM ends it").isTrue();
      assertThat(server.exitValue()).isZero();
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void theLogSaysWhoChangedWhatAndHowItEnded() throws Exception {
    Site site = new Site(folder);
    String log;
    String user = System.getProperty("user.name");
    Object uid = Files.getAttribute(folder, "unix:uid");
    try (ServerProcess server = site.serve(CONFIGURATION + "log { format = json }")) {
      for (String verb : List.of("status", "session list", "volume list", "snapshot list")) {
        site.ask(verb, Map.of());
      }
      site.ask("dm ls", Map.of());
      site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
      site.refusal("snapshot remove", Map.of("name", "vm1@\u202ex", "force", true));
      site.ask("reload", Map.of());
      assertThat(server.terminate()).isZero();
      log = server.errors();
    }
    List<Map<String, Object>> lines =
        json(log).stream().filter(line -> line.containsKey("uid")).toList();
    assertThat(lines).hasSize(3).allMatch(line -> "control".equals(line.get("subject")));
    assertThat(lines.get(0))
        .containsEntry("level", "info")
        .containsEntry("uid", uid)
        .containsEntry("user", user)
        .containsEntry("verb", "snapshot create")
        .containsEntry("outcome", "done")
        .containsEntry(
            "message", "uid " + uid + " (" + user + "): snapshot create names=[vm1@a]: done");
    assertThat(lines.get(1)).containsEntry("outcome", "refused");
    assertThat(String.valueOf(lines.get(1).get("message")))
        .contains("snapshot remove force=true name=vm1@\\u202ex: refused: ");
    assertThat(lines.get(2)).containsEntry("verb", "reload").containsEntry("outcome", "done");
  }

  @Test
  void aReloadChangesFormatAndLevel() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.configure(CONFIGURATION + "log { format = json, level = debug }");
      site.ask("reload", Map.of());
      refused(server.port(), SessionOptions.normal(TARGET + 1));
      Await.until(
          "a debug line in JSON",
          server::errors,
          log -> log.lines().anyMatch(line -> line.contains("\"level\":\"debug\"")));
      assertThat(server.errors().lines().findFirst().orElse(""))
          .contains(" INFO  server: anabranch");
    }
  }
}
