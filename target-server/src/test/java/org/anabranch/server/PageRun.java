// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.block.testing.Await;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.serve.Server;
import org.jspecify.annotations.Nullable;

/**
 * Does what a page says, in a folder that stands for {@code /}, with a server on a free port of
 * loopback that stands for 192.0.2.1:3260, or 127.0.0.1:3260 where the page has that. Paths and
 * addresses are put in their place in what is run, and back in what it prints.
 *
 * <pre>
 *   &lt;!-- test: serve -->                  starts the server with /etc/anabranch/anabranch.conf, which
 *                                          is {@link #CONFIGURATION} unless the page has another one
 *   &lt;!-- test: serve with TEXT -->        the same with more in that configuration
 *   &lt;!-- test: second server at PATH -->  starts another one, whose control socket is there
 *   &lt;!-- test: stop -->                   ends both
 *   &lt;!-- test: log in NAME TARGET -->     an initiator of this name logs in
 *   &lt;!-- test: log out NAME -->           and out
 *   &lt;!-- test: lose NAME -->              its connection is lost
 *   &lt;!-- test: run COMMAND -->            a command that the page does not show
 *   &lt;!-- test: gone SNAPSHOT -->          waits until there is no such snapshot any more
 * </pre>
 */
final class PageRun implements AutoCloseable {
  private static final String FILE = "/etc/anabranch/anabranch.conf";

  /** What pages have that show none of their own: two disks, and a LUN for a snapshot. */
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["192.0.2.1:3260"], state-dir = "/var/lib/anabranch"
        volumes {
          vm1 { path = "/srv/vm1.img", size = 64 MiB }
          vm2 { path = "/srv/vm2.img", size = 64 MiB }
        }
        targets {
          "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@monday" } }
          "iqn.2026-11.org.example:vm2" { luns { 0 = vm2 } }
        }
        MORE
      }
      """;

  private static final String PORTAL = "192.0.2.1:3260";
  private static final String LOOPBACK = "127.0.0.1:3260";
  private static final String HTTP = "127.0.0.1:9287";
  private static final long PATIENCE = 60;
  private static final Pattern PLACES =
      Pattern.compile("(?<![\\w.-])/(etc/anabranch|srv|backup|var/lib/anabranch|run/anabranch)\\b");

  /** What a shell must see to. */
  private static final Pattern SHELL = Pattern.compile("[|&;<>$*`(]");

  private static final Map<String, String> SECRETS =
      Map.of("VM1_SECRET", "correct-horse-16", "TARGET_SECRET", "battery-staple16");

  private final Path root;
  private final Map<String, Site.Host> hosts = new HashMap<>();
  private final Initiator initiator = new Initiator();
  private final String http; // a free address for metrics
  private @Nullable ServerProcess server;
  private @Nullable Server inThisJvm;
  private @Nullable Server second;
  private String portal = "127.0.0.1:0";
  private String configured = PORTAL; // what the page's configuration has
  private String shownPortal = PORTAL; // what the page shows for the portal of the server that runs

  /**
   * @param root an empty folder
   */
  PageRun(Path root) throws IOException {
    this.root = root;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      http = "127.0.0.1:" + free.getLocalPort();
    }
    for (String folder :
        List.of(
            "etc/anabranch", "srv", "backup", "var/lib/anabranch/images", "run/anabranch", "bin")) {
      Files.createDirectories(root.resolve(folder));
    }
    String java = "exec " + Pty.quoted(ServerProcess.command(root)) + " \"$@\"";
    String socket = "export ANABRANCH_SOCKET=\"${ANABRANCH_SOCKET:-" + socket() + "}\"\n";
    Path script =
        Files.writeString(root.resolve("bin/anabranch"), "#!/bin/sh\n" + socket + java + "\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Path socket() {
    return root.resolve("var/lib/anabranch/control.sock");
  }

  /** All parts of a page. */
  void run(Page page) throws Exception {
    String text = Files.readString(page.path());
    configured = text.contains(LOOPBACK) && !text.contains(PORTAL) ? LOOPBACK : PORTAL;
    shownPortal = configured;
    configure("");
    for (Page.Part part : page.parts()) {
      try {
        switch (part) {
          case Page.Step step -> step(step.words());
          case Page.Block block when block.isRun() -> run(block);
          case Page.Block block when block.isFile() -> write(block);
          case Page.Block block when block.isCheck() -> check(block);
          case Page.Block block -> {}
        }
      } catch (AssertionError e) {
        String log = server == null ? "" : "\nthe server's log:\n" + server.errors();
        throw new AssertionError(page + ":" + part.line() + ": " + e.getMessage() + log, e);
      }
    }
    stop();
  }

  private void configure(String more) throws IOException {
    String text = here(CONFIGURATION.replace("MORE", more));
    Files.writeString(root.resolve(FILE.substring(1)), text);
  }

  private void step(String words) throws Exception {
    String[] word = words.split(" ", 2);
    String rest = word.length > 1 ? word[1] : "";
    switch (word[0]) {
      case "serve" -> {
        if (!rest.isEmpty()) {
          configure(rest.replaceFirst("^with ", ""));
        }
        serveHere();
      }
      case "second" -> serveSecond(rest.replaceFirst("^server at /", ""));
      case "stop" -> stop();
      case "run" -> assertThat(execute(rest).status()).as(rest).isZero();
      case "gone" -> awaitWithout("anabranch snapshot list", rest);
      case "log" -> log(rest.split(" ", -1));
      case "lose" -> {
        Site.Host host = Objects.requireNonNull(hosts.remove(rest), rest);
        host.session().close();
        host.awaitClosed();
        awaitWithout("anabranch session list", rest);
      }
      default -> fail("no such step: %s", words);
    }
  }

  private void awaitWithout(String command, String text) throws Exception {
    Await.until(
        command + " does not show " + text,
        () -> execute(command).output(),
        said -> !said.contains(text));
  }

  private void log(String... words) throws Exception {
    if (words[0].equals("in")) {
      SessionOptions options = SessionOptions.normal(words[2]).as(words[1]);
      Site.Host host = Site.Host.logIn(initiator, portal, options);
      hosts.put(words[1], host);
      Initiator.await(
          host.disk(0).read(0, 8), PATIENCE); // as a host does that looks for partitions
    } else {
      Site.Host host = Objects.requireNonNull(hosts.remove(words[1]), words[1]);
      Initiator.await(host.session().logout(), PATIENCE);
    }
  }

  private void write(Page.Block block) throws IOException {
    Path file =
        root.resolve(block.marker().replaceFirst(" refused$", "").substring("file /".length()));
    String text = String.join("\n", block.text()) + "\n";
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    if (block.isRefused()) {
      Files.writeString(file, places(text));
      return;
    }
    if (file.toString().endsWith(".conf")) {
      Path asShown = Files.writeString(root.resolve("as-shown.conf"), places(withSecrets(text)));
      valid(asShown);
    }
    Files.writeString(file, here(text));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  private void check(Page.Block block) throws IOException {
    String shown = String.join("\n", block.text()) + "\n";
    String text = shown.startsWith("anabranch {") ? shown : "anabranch {\n" + shown + "}\n";
    valid(Files.writeString(root.resolve("part.conf"), places(withSecrets(text))));
  }

  /** A configuration without errors; its files need not exist. */
  private static void valid(Path configuration) {
    Tools.Result checked = inProcess(List.of("check", configuration.toString()));
    assertThat(checked.status()).as(checked.output()).isNotEqualTo(2);
  }

  /** Each command of a block, compared with what stands below it. */
  private void run(Page.Block block) throws Exception {
    List<Page.Command> commands = block.commands("$ ");
    for (Page.Command command : commands) {
      Tools.Result result = execute(command.line());
      String printed = asShown(result.output());
      assertThat(result.status() != 0)
          .as("%s: status %s: %s", command.line(), result.status(), printed)
          .isEqualTo(block.isRefused() && command.equals(commands.getLast()));
      if (!command.shown().isEmpty()) {
        PageOutput.compare(command.line(), command.shown(), printed.lines().toList());
      }
    }
  }

  private static String withSecrets(String shown) {
    String text = shown;
    for (Map.Entry<String, String> secret : SECRETS.entrySet()) {
      text = text.replace("${?" + secret.getKey() + "}", secret.getValue());
    }
    return text;
  }

  private String places(String text) {
    return PLACES.matcher(text).replaceAll(Matcher.quoteReplacement(root + "/") + "$1");
  }

  private String here(String text) {
    return places(withSecrets(text))
        .replace(PORTAL, portal)
        .replace(LOOPBACK, portal)
        .replace(HTTP, http)
        .replace("192.0.2.1", portal)
        .replace("iscsi://127.0.0.1/", "iscsi://" + portal + "/")
        .replaceAll("iscsi://127.0.0.1$", "iscsi://" + portal);
  }

  private String asShown(String text) {
    return text.replace(root.toString(), "").replace(http, HTTP).replace(portal, shownPortal);
  }

  private Tools.Result execute(String command) throws Exception {
    if (command.startsWith("anabranch serve")) {
      return serve(command);
    }
    String line = here(command);
    if (line.startsWith("anabranch ") && !SHELL.matcher(line).find()) {
      List<String> words = words(line);
      words.removeFirst();
      if (!List.of("check", "cow", "demo").contains(words.getFirst())
          && (!words.contains("import") || words.getFirst().equals("volume"))
          && !words.contains("--help")) {
        words.addAll(List.of("--socket", socket().toString()));
      }
      return inProcess(words);
    }
    Matcher program = Pattern.compile("^(?:\\w+=\\S+ )*(\\S+)").matcher(line);
    if (program.find() && !program.group(1).equals("anabranch")) {
      Tools.require(program.group(1));
    }
    Map<String, String> environment = new HashMap<>(SECRETS);
    environment.put("PATH", root.resolve("bin") + ":" + System.getenv("PATH") + ":/usr/sbin:/sbin");
    return Tools.run(PATIENCE, environment, "sh", "-c", line);
  }

  /** As a shell divides a line that has quotes at most. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    Matcher word = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)").matcher(line);
    while (word.find()) {
      words.add(
          word.group(1) != null
              ? word.group(1)
              : word.group(2) != null ? word.group(2) : word.group(3));
    }
    return words;
  }

  /** Starting a JVM for each command would take most of the time. */
  private static Tools.Result inProcess(List<String> words) {
    StringWriter said = new StringWriter();
    PrintWriter both = new PrintWriter(said, true);
    int status = Main.commandLine().setOut(both).setErr(both).execute(words.toArray(String[]::new));
    return new Tools.Result(status, said.toString());
  }

  private Tools.Result serve(String command) throws Exception {
    List<String> words = words(here(command));
    words.removeFirst();
    if (!words.contains("--config")) {
      shownPortal = LOOPBACK; // the default
      words.addAll(List.of("--data", root.resolve("var/lib/anabranch").toString()));
      words.addAll(List.of("--portal", "127.0.0.1:0"));
    }
    ServerProcess started = new ServerProcess(root, SECRETS, words.toArray(String[]::new));
    server = started;
    String line = String.valueOf(started.line());
    if (!line.startsWith("anabranch: ready, portals ")) {
      return new Tools.Result(started.await(), started.errors());
    }
    portal = line.replaceFirst("anabranch: ready, portals (\\S+).*", "$1");
    return new Tools.Result(0, line + "\n");
  }

  /** What a step starts is a server in this JVM, which takes a tenth of the time. */
  private void serveHere() throws Exception {
    Path file = root.resolve(FILE.substring(1));
    Server started = Server.start(ConfigurationFile.read(file), () -> ConfigurationFile.read(file));
    inThisJvm = started;
    portal = started.portals().getFirst();
  }

  /** It has no volumes, and a state directory of its own. */
  private void serveSecond(String socket) throws Exception {
    Path folder = Files.createDirectories(root.resolve("host2"));
    Path file =
        Files.writeString(
            root.resolve("host2.conf"),
            "anabranch { portals = [\"127.0.0.1:0\"], state-dir = \"" + folder + "\" }\n");
    Server started = Server.start(ConfigurationFile.read(file), () -> ConfigurationFile.read(file));
    second = started;
    Files.createSymbolicLink(root.resolve(socket), folder.resolve("control.sock"));
  }

  private void stop() throws Exception {
    if (server != null) {
      assertThat(server.terminate()).isZero();
      server = null;
    }
    if (inThisJvm != null) {
      assertThat(inThisJvm.stop()).isTrue();
      inThisJvm.close();
      inThisJvm = null;
    }
    if (second != null) {
      assertThat(second.stop()).isTrue();
      second.close();
      second = null;
    }
    portal = "127.0.0.1:0";
    shownPortal = configured;
  }

  @Override
  public void close() {
    initiator.close();
    if (server != null) {
      server.close();
    }
    if (inThisJvm != null) {
      inThisJvm.close();
    }
    if (second != null) {
      second.close();
    }
  }
}
