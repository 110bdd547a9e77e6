// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/json.md is what the commands print: the same keys, of the same types. */
final class JsonTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";

  @TempDir private Path folder;
  private final Set<String> shown = new HashSet<>();

  /** Keys and types by section; a key's {@code ?} is left in. */
  private static Map<String, Map<String, String>> documented() throws IOException {
    Map<String, Map<String, String>> sections = new TreeMap<>();
    Map<String, String> section = new TreeMap<>();
    boolean fenced = false;
    for (String line : Files.readAllLines(Path.of("../docs/json.md"))) {
      if (line.startsWith("## ")) {
        section = new TreeMap<>();
        sections.put(line.substring(3), section);
      } else if (line.equals("```")) {
        fenced = !fenced;
      } else if (fenced) {
        String[] words = line.split(" +", 3);
        section.put(words[0], words[1]);
      }
    }
    return sections;
  }

  private static Map<String, String> section(String name) throws IOException {
    return Objects.requireNonNull(documented().get(name), name);
  }

  private static void flatten(String key, Object value, Map<String, String> into) {
    switch (value) {
      case Map<?, ?> map -> {
        if (!key.isEmpty() && !key.endsWith("[]")) {
          into.put(key, "object");
        }
        map.forEach(
            (name, each) -> flatten(key.isEmpty() ? "" + name : key + "." + name, each, into));
      }
      case List<?> list -> list.forEach(each -> flatten(key + "[]", each, into));
      case Number number -> into.put(key, "number");
      case Boolean flag -> into.put(key, "boolean");
      default -> into.put(key, "text");
    }
  }

  private void holds(String section, Map<String, ?> printed) throws IOException {
    Map<String, String> found = new TreeMap<>();
    flatten("", printed, found);
    if (section.equals("status")) { // its parts are those of other commands
      found.keySet().removeIf(key -> key.matches("(volumes|snapshots|sessions)\\[]\\..*"));
      printed.forEach((key, value) -> {
        if (value instanceof List<?> list && !list.isEmpty() && list.getFirst() instanceof Map) {
          found.put(key + "[]", "object");
        }
      });
    }
    Map<String, String> wanted = new TreeMap<>();
    section(section)
        .forEach((key, type) -> {
          String plain = key.replace("?", "");
          String optional = plain.replaceFirst("\\.[^.]*$", "");
          boolean absent =
              key.endsWith("?")
                  ? !found.containsKey(plain)
                  : documentedOptional(section, optional) && !found.containsKey(plain);
          if (!absent) {
            wanted.put(plain, type);
          }
        });
    assertThat(found).as(section).isEqualTo(wanted);
    shown.add(section);
  }

  private static boolean documentedOptional(String section, String key) {
    try {
      return section(section).containsKey(key + "?");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String firstSession(Site site) throws RefusedException {
    List<?> sessions =
        (List<?>) Objects.requireNonNull(site.ask("session list", Map.of()).get("sessions"));
    return String.valueOf(((Map<?, ?>) sessions.getFirst()).get("id"));
  }

  @Test
  void whatIsDocumentedIsPrinted() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server =
            site.serve(
                """
                volumes { vm1 { path = vm1.img, size = 64 MiB } }
                targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
                """)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Map<String, Object> name = Map.of("name", "vm1@a");
      holds("snapshot create", site.ask("snapshot create", Map.of("volume", "vm1", "name", "a")));
      holds("snapshot merge", site.ask("snapshot merge", name));
      assertThat(site.ask("snapshot merge", name)).containsEntry("phase", "waiting");
      holds("snapshot list", site.ask("snapshot list", Map.of()));
      holds("status", Json.parse(site.anabranch(0, "status", "--json")));
      holds("volume list", site.ask("volume list", Map.of()));
      holds("volume resize", site.ask("volume resize", Map.of("volume", "vm1", "bytes", 65 << 20)));
      holds("session list", Json.parse(site.anabranch(0, "session", "list", "--json")));
      holds("dm", site.ask("dm", Map.of("words", List.of("ls"))));
      site.configure(
          """
          volumes { vm1 { path = vm1.img, size = 64 MiB } }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@b" } } }
          """);
      holds("reload", site.ask("reload", Map.of()));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "b"));
      holds("snapshot remove", site.ask("snapshot remove", Map.of("name", "vm1@b", "force", true)));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "c", "chunk-sectors", 8));
      Disk disk = host.disk(0);
      List<CompletableFuture<?>> writes = new ArrayList<>();
      for (int i = 0; i < 2048; i++) { // scattered, so that the merge is caught at work
        writes.add(disk.write(i * 64L, ByteBuffer.allocate(4096).putInt(0, i)));
        if (writes.size() == 32) {
          for (var write : writes) {
            Initiator.await(write, 30);
          }
          writes.clear();
        }
      }
      site.ask("snapshot merge", Map.of("name", "vm1@c", "now", true));
      holds("snapshot pause", site.ask("snapshot pause", Map.of("name", "vm1@c")));
      Map<String, Object> list = site.ask("snapshot list", Map.of());
      assertThat(list.toString()).contains("merge={");
      holds("snapshot list", list);
      site.ask("snapshot resume", Map.of("name", "vm1@c"));
      String id = firstSession(site);
      assertThat(site.anabranch(0, "session", "list")).contains(TARGET).contains(id);
      assertThat(site.anabranch(0, "session", "drop", id))
          .isEqualTo("session " + id + " dropped\n");
      host.awaitClosed();
      assertThat(host.heard()).contains("event 3");
      Site.Host again = Site.Host.logIn(initiator, server, TARGET);
      String next = firstSession(site);
      holds("session drop", Json.parse(site.anabranch(0, "session", "drop", "--json", next)));
      again.awaitClosed();
      assertThat(server.terminate()).isZero();
    }
    assertThat(shown).isEqualTo(documented().keySet());
  }
}
