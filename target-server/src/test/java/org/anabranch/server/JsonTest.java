// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.control.verbs.Verbs;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** docs/json.md is what the commands print: the same keys, of the same types. */
final class JsonTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String EMPTY = "an empty list";
  private static final String STORES = "stores { warn-below = 1024 PiB }\n"; // never as much

  @TempDir private Path folder;
  private final Set<String> shown = new HashSet<>(); // keys that were printed once at least

  /** Keys and types by section, of what is printed; a key's {@code ?} is left in. */
  private static Map<String, Map<String, String>> documented() throws IOException {
    Map<String, Map<String, String>> sections = new TreeMap<>();
    page()
        .forEach((name, text) -> {
          Map<String, String> keys = new TreeMap<>();
          String fence = "";
          for (String line : text.split("\n", -1)) {
            if (line.startsWith("```")) {
              fence = fence.isEmpty() ? line : "";
            } else if (fence.equals("```")) {
              String[] words = line.split(" +", 3);
              keys.put(words[0], words[1]);
            }
          }
          sections.put(name, keys);
        });
    return sections;
  }

  /** The text of each section. */
  private static Map<String, String> page() throws IOException {
    Map<String, String> sections = new LinkedHashMap<>();
    String[] parts = Files.readString(Path.of("../docs/json.md")).split("(?m)^## ", -1);
    for (String part : List.of(parts).subList(1, parts.length)) {
      String[] text = part.split("\n", 2);
      sections.put(text[0], text[1].stripTrailing() + "\n");
    }
    return sections;
  }

  /** Every verb, over a server that is never asked. */
  private static List<Verb<?, ?, ?>> verbs() {
    return Verbs.all(
        (RunningServer)
            Proxy.newProxyInstance(
                JsonTest.class.getClassLoader(),
                new Class<?>[] {RunningServer.class},
                (proxy, method, arguments) -> null));
  }

  @Test
  void everyVerbIsDocumentedAsItsRecordsAre() throws IOException {
    VerbDocs docs = new VerbDocs();
    Map<String, String> page = page();
    StringBuilder wanted = new StringBuilder();
    List<String> different = new ArrayList<>();
    for (Verb<?, ?, ?> verb : verbs()) {
      String name = verb.call().name();
      String section = docs.section(verb.call());
      wanted.append("## ").append(name).append('\n').append(section).append('\n');
      if (!section.equals(page.get(name))) {
        different.add(name);
      }
    }
    Path out = Files.writeString(Path.of("target/json.md"), wanted);
    assertThat(docs.undocumented()).as("without @Doc").isEmpty();
    assertThat(different).as("sections of docs/json.md; as they should be: %s", out).isEmpty();
  }

  /** The commands that a section is for besides the one that it is named for. */
  private static Set<String> alsoDocumented() throws IOException {
    return Files.readAllLines(Path.of("../docs/json.md")).stream()
        .filter(line -> line.startsWith("The same for "))
        .flatMap(line -> Pattern.compile("`([^`]+)`").matcher(line).results())
        .map(name -> name.group(1))
        .collect(Collectors.toSet());
  }

  private static Map<String, String> section(String name) throws IOException {
    return Objects.requireNonNull(documented().get(name), name);
  }

  private static void flatten(String key, Object value, Map<String, String> into) {
    switch (value) {
      case Map<?, ?> map -> {
        if (!key.isEmpty()) {
          into.put(key, "object");
        }
        map.forEach(
            (name, each) -> flatten(key.isEmpty() ? "" + name : key + "." + name, each, into));
      }
      case List<?> list when list.isEmpty() -> into.put(key + "[]", EMPTY);
      case List<?> list -> list.forEach(each -> flatten(key + "[]", each, into));
      case Number number -> into.put(key, "number");
      case Boolean flag -> into.put(key, "boolean");
      default -> into.put(key, "text");
    }
  }

  private void holds(String section, Map<String, ?> printed) throws IOException {
    Map<String, String> keys = section(section);
    Map<String, String> found = new TreeMap<>();
    flatten("", printed, found);
    Set<String> empty = new TreeSet<>();
    found.forEach((key, type) -> {
      if (type.equals(EMPTY)) {
        empty.add(key);
      }
    });
    for (String list : List.copyOf(empty)) { // one of a kind is empty, and another one is not
      if (found.keySet().stream().anyMatch(key -> key.startsWith(list + "."))) {
        empty.remove(list);
        found.put(list, "object");
      }
    }
    found.keySet().removeAll(empty);
    for (String key : List.copyOf(keys.keySet())) { // what the section of another command lists
      String prefix = key.replace("?", "") + ".";
      if (keys.keySet().stream().noneMatch(each -> each.startsWith(prefix))) {
        found.keySet().removeIf(each -> each.startsWith(prefix));
      }
    }
    Map<String, String> wanted = new TreeMap<>();
    keys.forEach((key, type) -> {
      String plain = key.replace("?", "");
      boolean absent = !found.containsKey(plain) && mayBeAbsent(key, keys.keySet(), found);
      if (!absent && empty.stream().noneMatch(plain::startsWith)) {
        wanted.put(plain, type);
      }
    });
    assertThat(found).as(section).isEqualTo(wanted);
    wanted.keySet().forEach(key -> shown.add(section + ": " + key));
  }

  /** Whether a key is optional, or an object around it is and is absent. */
  private static boolean mayBeAbsent(String key, Set<String> keys, Map<String, String> found) {
    if (key.endsWith("?")) {
      return true;
    }
    for (int dot = key.lastIndexOf('.'); dot > 0; dot = key.lastIndexOf('.', dot - 1)) {
      String around = key.substring(0, dot);
      if (keys.contains(around + "?") && !found.containsKey(around)) {
        return true;
      }
    }
    return false;
  }

  private static void awaitCutOff(Site site) throws RefusedException {
    Await.until(
        "it is cut off",
        () -> site.ask("snapshot list", Map.of()).toString(),
        text -> text.contains("cut-off-since"));
  }

  private static String firstSession(Site site) throws RefusedException {
    List<?> sessions =
        (List<?>) Objects.requireNonNull(site.ask("session list", Map.of()).get("sessions"));
    return String.valueOf(((Map<?, ?>) sessions.getFirst()).get("id"));
  }

  /** What a command prints with {@code --json}. */
  private static Map<String, Object> json(String... words) {
    List<String> line = new ArrayList<>(List.of(words));
    line.add("--json");
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(line.toArray(String[]::new));
    assertThat(status).as("%s: %s", line, err).isZero();
    return Json.parse(out.toString());
  }

  /** Of a running server. */
  private static Map<String, Object> json(Site site, String... words) {
    List<String> line = new ArrayList<>(List.of(words));
    line.addAll(List.of("--socket", site.socket().toString()));
    return json(line.toArray(String[]::new));
  }

  private static void leaves(CommandLine command, Set<String> names) {
    command.getSubcommands().values().forEach(each -> leaves(each, names));
    if (command.getCommandSpec().findOption("--json") != null) {
      names.add(command.getCommandSpec().qualifiedName().replaceFirst("^anabranch ", ""));
    }
  }

  @Test
  void everyCommandThatTakesJsonIsDocumented() throws IOException {
    Set<String> commands = new TreeSet<>();
    leaves(Main.commandLine(), commands);
    Set<String> documented = new TreeSet<>(documented().keySet());
    documented.addAll(alsoDocumented());
    assertThat(commands).isEqualTo(documented);
  }

  private void madeAtRunTime(Site site) throws Exception {
    String backup = folder.resolve("state backup").toString();
    holds("state backup", json(site, "state", "backup", backup));
    String other = folder.resolve("other state").toString();
    holds("state restore", json("state", "restore", backup, "--state-dir", other));
    holds("volume create", json(site, "volume", "create", "vm2", "--size", "1 MiB"));
    String linux = SnapshotAdoptTest.golden("p8.before.cow", folder.resolve("a.cow")).toString();
    holds(
        "snapshot adopt",
        json(site, "snapshot", "adopt", "vm2@linux", "--store", linux, "--description", "x"));
    site.ask("snapshot remove", Map.of("name", "vm2@linux", "force", false));
    holds("volume rename", json(site, "volume", "rename", "vm2", "vm3"));
    holds("lun add", json(site, "lun", "add", TARGET, "5", "vm3"));
    holds("lun list", json(site, "lun", "list"));
    holds("lun remove", json(site, "lun", "remove", TARGET, "5", "--force"));
    site.dm("suspend", "vm1@e"); // so that the copy waits
    holds("volume create", json(site, "volume", "create", "vm4", "--from", "vm1@e"));
    holds("volume list", json(site, "volume", "list"));
    holds("status", json(site, "status"));
    site.dm("resume", "vm1@e");
    Await.until(
        "it is copied",
        () -> site.ask("volume list", Map.of()).toString(),
        text -> !text.contains("copying"));
    holds("volume list", json(site, "volume", "list"));
    holds("volume remove", json(site, "volume", "remove", "vm4", "--delete-image"));
  }

  /** A stream whose last bytes are awaited. */
  private void importUnderWay(Site site) throws Exception {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    site.client()
        .download(
            SnapshotExportVerb.CALL,
            new SnapshotExportVerb.Arguments("vm1@a", null, false, null, false),
            state -> {},
            data -> {
              byte[] bytes = new byte[data.remaining()];
              data.get(bytes);
              stream.writeBytes(bytes);
            });
    PipedOutputStream out = new PipedOutputStream();
    try (PipedInputStream in = new PipedInputStream(out, 1 << 20)) {
      out.write(stream.toByteArray(), 0, stream.size() - 1);
      out.flush();
      CompletableFuture<Void> ended =
          CompletableFuture.runAsync(
              () -> {
                try {
                  var _ =
                      site.client()
                          .upload(
                              VolumeImportVerb.CALL,
                              new VolumeImportVerb.Arguments("copy", null, false),
                              state -> {},
                              Channels.newChannel(in));
                } catch (RefusedException e) {
                  throw new AssertionError(e);
                }
              },
              task -> Thread.ofPlatform().daemon().start(task));
      Await.until(
          "its name is known",
          () -> String.valueOf(site.ask("status", Map.of()).get("imports")),
          text -> text.contains("snapshot=a"));
      holds("status", json(site, "status"));
      out.write(stream.toByteArray(), stream.size() - 1, 1);
      out.close();
      ended.get(60, TimeUnit.SECONDS);
    }
  }

  /** Hooks that fail and stop nothing, and a schedule that missed a run. */
  private void hooksAndSchedules() throws Exception {
    Site site = new Site(Files.createDirectory(folder.resolve("hooks")));
    Files.createDirectories(site.folder.resolve("state"));
    Files.writeString(
        site.folder.resolve("state/schedules.json"),
        """
        {"version":1,"schedules":{"yearly":{"every-seconds":31622400,"offset-seconds":0,
        "done":"2000-01-01T00:00:00Z","run":4}}}
        """);
    try (ServerProcess server =
        site.serve(
            """
            volumes { vm1 { path = vm1.img, size = 1 MiB } }
            hooks { before-create = "false", before-merge = "false", on-failure = go-on }
            snapshots {
              yearly { volumes = [vm1, vm9], every = 366 d, keep = 2 }
              once { volumes = [vm1], every = 366 d, keep = 2 }
            }
            """)) {
      Await.until(
          "the snapshot of a run that was missed",
          () -> String.valueOf(site.ask("status", Map.of()).get("schedules")),
          text -> text.contains("last-result=partly"));
      holds("status", json(site, "status"));
      holds("schedule list", json(site, "schedule", "list"));
      holds("schedule pause", json(site, "schedule", "pause", "yearly"));
      holds("schedule resume", json(site, "schedule", "resume", "yearly"));
      holds("schedule run", json(site, "schedule", "run", "once"));
      holds("snapshot list", json(site, "snapshot", "list"));
      holds("snapshot create", json(site, "snapshot", "create", "vm1@a"));
      importUnderWay(site);
      holds("snapshot merge", json(site, "snapshot", "merge", "vm1@a", "--now"));
      assertThat(server.terminate()).isZero();
    }
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
                """
                    + STORES)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Map<String, Object> name = Map.of("name", "vm1@a");
      holds("snapshot create", json(site, "snapshot", "create", "vm1@a"));
      holds("snapshot merge", json(site, "snapshot", "merge", "vm1@a"));
      assertThat(site.ask("snapshot merge", name)).containsEntry("phase", "waiting");
      holds("snapshot merge", json(site, "snapshot", "merge", "vm1@a", "--on-next-login"));
      SessionOptions other = SessionOptions.normal(TARGET).as("iqn.2026-11.org.anabranch:other");
      Site.Host lost = Site.Host.logIn(initiator, server.portal(), other);
      Initiator.await(lost.disk(0).read(0, 1), 30); // else it leaves no use behind
      lost.session().close();
      lost.awaitClosed();
      awaitCutOff(site);
      holds("snapshot list", site.ask("snapshot list", Map.of()));
      holds("snapshot merge", json(site, "snapshot", "merge", "vm1@a"));
      site.ask("snapshot merge", Map.of("name", "vm1@a", "assume-gone", other.initiatorName()));
      site.ask(
          "snapshot merge", Map.of("name", "vm1@a", "on-next-login", true, "throttle", 1 << 30));
      holds("snapshot list", json(site, "snapshot", "list"));
      site.ask("snapshot merge", name);
      holds("status", Json.parse(site.anabranch(0, "status", "--json")));
      holds("volume limit", json(site, "volume", "limit", "vm1", "--iops", "100000"));
      holds("volume list", json(site, "volume", "list"));
      holds("volume resize", json(site, "volume", "resize", "vm1", "65 MiB"));
      holds("session list", Json.parse(site.anabranch(0, "session", "list", "--json")));
      deviceMapper(site);
      site.configure(
          """
          volumes { vm1 { path = vm1.img, size = 64 MiB } }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@b" } } }
          """
              + STORES);
      holds("reload", json(site, "reload"));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "b"));
      holds("snapshot remove", json(site, "snapshot", "remove", "--force", "vm1@b"));
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
      Initiator.await(disk.read(0, 1), 30);
      holds("stats", json(site, "stats"));
      data(site);
      // Slow, so that it is at work still when it is paused.
      site.ask("snapshot merge", Map.of("name", "vm1@c", "now", true, "throttle", 1 << 20));
      holds("snapshot pause", site.ask("snapshot pause", Map.of("name", "vm1@c")));
      holds("snapshot resume", site.ask("snapshot resume", Map.of("name", "vm1@c")));
      site.ask("snapshot pause", Map.of("name", "vm1@c"));
      holds("dm message", json(site, "dm", "message", "vm1", "0", "progress"));
      Map<String, Object> list = site.ask("snapshot list", Map.of());
      assertThat(list.toString()).contains("merge={");
      holds("snapshot list", list);
      assertThat(site.anabranch(0, "status"))
          .containsPattern("vm1@c +\\S+ +rolling back +\\d+ %, .* of .*, paused\n")
          .contains("WARNING: ");
      holds("snapshot throttle", json(site, "snapshot", "throttle", "vm1@c", "none"));
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
      holds("dm wait", json(site, "dm", "wait", "vm1", "0"));
      Await.until(
          "the merge has ended",
          () -> site.anabranch(0, "snapshot", "list"),
          all -> !all.contains("rolling back"));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "d", "chunk-sectors", 8));
      holds("snapshot describe", json(site, "snapshot", "describe", "vm1@d", "of \"x\""));
      holds("snapshot list", json(site, "snapshot", "list"));
      holds("snapshot rename", json(site, "snapshot", "rename", "vm1@d", "e"));
      holds("snapshot create", json(site, "snapshot", "create", "vm1@f", "--description", "for x"));
      Site.Host last = Site.Host.logIn(initiator, server, TARGET);
      Initiator.await(last.disk(0).write(0, ByteBuffer.allocate(4096)), 30);
      madeAtRunTime(site);
      Initiator.await(last.session().logout(), 30); // else vm1 stays in use
      assertThat(server.terminate()).isZero();
    }
    hooksAndSchedules();
    stores();
    leftOut(site);
    check();
    foreign();
    Set<String> promised = new HashSet<>();
    documented()
        .forEach((section, keys) ->
            keys.keySet().forEach(key -> promised.add(section + ": " + key.replace("?", ""))));
    promised.remove("volume take-over: changes[]"); // needs a cluster: RbdFailoverTest
    promised.removeAll(shown); // holds has seen to the other direction
    assertThat(promised).isEmpty();
  }

  private void deviceMapper(Site site) throws Exception {
    holds("dm create", json(site, "dm", "create", "z", "--table", "0 8 zero"));
    holds("dm suspend", json(site, "dm", "suspend", "z"));
    holds("dm load", json(site, "dm", "load", "z", "--table", "0 16 zero"));
    holds("dm clear", json(site, "dm", "clear", "z"));
    holds("dm resume", json(site, "dm", "resume", "z"));
    holds("dm rename", json(site, "dm", "rename", "z", "y"));
    holds("dm rename", json(site, "dm", "rename", "y", "z"));
    holds("dm ls", json(site, "dm", "ls"));
    holds("dm table", json(site, "dm", "table"));
    holds("dm status", json(site, "dm", "status", "z"));
    holds("dm info", json(site, "dm", "info"));
    holds("dm targets", json(site, "dm", "targets"));
    site.dmTable("0 8 linear z 0", "create", "above-z"); // a device depends on numbers, a file not
    holds("dm deps", json(site, "dm", "deps"));
    site.dm("remove", "above-z");
    holds("dm wipe_table", json(site, "dm", "wipe_table", "z"));
    holds("dm remove", json(site, "dm", "remove", "z"));
    site.dmTable("0 8 zero", "create", "y");
    holds("dm remove_all", json(site, "dm", "remove_all"));
  }

  /** With a snapshot vm1@c that differs from the volume. */
  private void data(Site site) throws IOException {
    String delta = folder.resolve("delta").toString();
    holds("snapshot diff", json(site, "snapshot", "diff", "vm1@c"));
    holds("snapshot export", json(site, "snapshot", "export", "vm1@c", "--changed", delta));
    Path image = Files.copy(folder.resolve("vm1.img"), folder.resolve("copy.img"));
    holds("snapshot import", json("snapshot", "import", delta, image.toString()));
  }

  private void check() throws IOException {
    Path file = folder.resolve("all.conf");
    Files.writeString(
        file,
        """
        anabranch {
          state-dir = all-state
          volumes { vm1 { path = a.img, size = 1 MiB } }
          snapshots { hourly { volumes = [vm1], every = 1 h, keep = 24 } }
          targets {
            "iqn.2026-11.org.example:all" {
              luns { 0 { device = vm1, initiators = ["iqn.2026-11.org.example:a"] } }
              initiators = ["iqn.2026-11.org.example:*"]
              addresses = ["192.0.2.0/24"]
            }
          }
        }
        """);
    holds("check", json("check", file.toString()));
  }

  private void foreign() throws IOException {
    Path file = folder.resolve("targets.conf");
    Files.writeString(
        file, "<target iqn.2026-11.org.example:t>\n  backing-store /srv/a.img\n</target>\n");
    holds("import tgt", json("import", "tgt", file.toString()));
  }

  /** Into the volume that it comes from, once as a whole and once what changed. */
  private void imports(Site site) throws Exception {
    for (String[] each : new String[][] {{"i", null}, {"j", "vm1@back-i"}}) {
      site.ask("snapshot create", Map.of("volume", "vm1", "name", each[0]));
      Path stream = folder.resolve("stream-" + each[0]);
      try (FileChannel file =
          FileChannel.open(stream, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
        site.client()
            .download(
                SnapshotExportVerb.CALL,
                new SnapshotExportVerb.Arguments("vm1@" + each[0], null, false, each[1], false),
                state -> {},
                data -> {
                  try {
                    file.write(data);
                  } catch (IOException e) {
                    throw new RefusedException("not written", e);
                  }
                });
      }
      String name = "back-" + each[0];
      holds(
          "volume import",
          json(
              site, "volume", "import", "vm1", stream.toString(), "--force", "--snapshot=" + name));
    }
  }

  /** With a volume whose file is away for a time, and then for good. */
  private void leftOut(Site site) throws Exception {
    String volumes =
        """
        volumes { vm1 { path = vm1.img, size = 16 MiB }, late { path = late.img, size = 1 MiB } }
        targets { "iqn.2026-11.org.example:late" { luns { 0 = late } } }
        """;
    Path late = folder.resolve("late.img");
    Path away = folder.resolve("away.img");
    try (ServerProcess server = site.serve(volumes)) {
      assertThat(server.terminate()).isZero();
    }
    Files.move(late, away);
    try (ServerProcess server = site.serve(volumes)) {
      StringWriter out = new StringWriter();
      Main.commandLine()
          .setOut(new PrintWriter(out))
          .execute("check", "--json", site.configuration.toString());
      shows("check", "left-out[]", Json.parse(out.toString()));
      Files.move(away, late);
      holds("volume retry", json(site, "volume", "retry", "late"));
      assertThat(server.terminate()).isZero();
    }
    Files.delete(late);
    try (ServerProcess server = site.serve(volumes)) {
      holds("volume adopt", json(site, "volume", "adopt", "late"));
      shows(
          "snapshot create",
          "snapshots[]",
          json(site, "snapshot", "create", "vm1@two", "late@two"));
      imports(site);
      shows(
          "snapshot merge",
          "merges[]",
          json(site, "snapshot", "merge", "--keep", "--now", "vm1@two", "late@two"));
      assertThat(server.terminate()).isZero();
    }
  }

  /** The rest of the section is compared elsewhere. */
  private void shows(String section, String key, Map<String, ?> printed) throws IOException {
    Map<String, String> found = new TreeMap<>();
    flatten("", printed, found);
    Map<String, String> keys = section(section);
    assertThat(found).containsEntry(key, keys.getOrDefault(key, keys.get(key + "?")));
    shown.add(section + ": " + key);
  }

  /** Of a server that has stopped. */
  private void stores() throws IOException {
    String store = folder.resolve("state/cow/vm1@d.cow").toString();
    holds("cow dump", json("cow", "dump", store));
    holds("cow check", json("cow", "check", store));
    Path bad = Files.writeString(folder.resolve("bad.cow"), "bad ".repeat(1024));
    holds("cow dump", json("cow", "dump", bad.toString()));
    StringWriter out = new StringWriter();
    Main.commandLine()
        .setOut(new PrintWriter(out))
        .execute("cow", "check", "--json", bad.toString());
    holds("cow check", Json.parse(out.toString()));
  }
}
