// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.ControlClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user reads when something is wrong: the thing, the reason, the remedy. */
final class MessagesTest {
  @TempDir private Path folder;

  private static String run(int status, String... words) {
    StringWriter said = new StringWriter();
    int is =
        Main.commandLine(words)
            .setOut(new PrintWriter(said))
            .setErr(new PrintWriter(said))
            .execute(words);
    assertThat(is).as(said.toString()).isEqualTo(status);
    return said.toString();
  }

  @Test
  void valuesOfTheCommandLine() {
    assertThat(run(2, "serve", "--portal", "20604"))
        .contains("--portal 20604: not ADDRESS:PORT, such as 127.0.0.1:3260");
    assertThat(run(2, "session", "drop", "abc")).contains("'abc' is not a whole number");
    assertThat(run(2, "snapshot", "create", "vm2"))
        .contains("not VOLUME@NAME: vm2")
        .contains("Usage: anabranch snapshot create ");
  }

  /** The word is what is wrong; not that a parameter is missing, since it looks like an option. */
  @Test
  void valuesThatBeginWithAMinusSign() {
    assertThat(run(2, "volume", "resize", "vm1", "-1MiB"))
        .startsWith("anabranch: SIZE cannot be negative: -1MiB\n");
    assertThat(run(2, "snapshot", "throttle", "vm1@a", "-5MB/s"))
        .startsWith("anabranch: RATE cannot be negative: -5MB/s\n");
    assertThat(run(2, "volume", "resize", "vm1", "--by=1GiB"))
        .startsWith("anabranch: Unknown option: '--by=1GiB'; Missing required parameter: 'SIZE'\n");
    assertThat(run(2, "volume", "resize", "vm1"))
        .startsWith("anabranch: Missing required parameter: 'SIZE'\n");
    assertThat(run(2, "volume", "resize", "vm1", "--force"))
        .startsWith("anabranch: Missing required parameter: 'SIZE'\n");
    for (String[] line :
        new String[][] {
          {"volume", "resize", "vm1", "-1"},
          {"volume", "resize", "vm1", "--", "-1MiB"},
          {"volume", "resize", "vm1", "+-1MiB"},
          {"volume", "create", "v", "--size", "-1MiB"},
          {"volume", "create", "v", "--size=-1MiB"},
          {"snapshot", "create", "vm1@a", "--size", "-1MiB"},
          {"snapshot", "create", "vm1@a", "--chunk-size", "-1MiB"},
          {"snapshot", "merge", "vm1@a", "--throttle", "-1MB/s"},
          {"volume", "limit", "vm1", "--bytes-per-second", "-1MB/s"},
          {"volume", "limit", "vm1", "--burst", "-1s"}
        }) {
      assertThat(run(2, line)).startsWith("anabranch: not a ").containsPattern(": [+]?-1");
    }
  }

  @Test
  void aSocketThatNobodyListensAt() throws Exception {
    Path socket = folder.resolve("s");
    try (ServerSocketChannel left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      left.bind(UnixDomainSocketAddress.of(socket));
    }
    assertThat(run(1, "status", "--socket", socket.toString()))
        .startsWith(
            "anabranch: no server is running: nobody listens at the control socket " + socket)
        .contains("start one");
  }

  /** Such as one that was stopped by SIGSTOP. */
  @Test
  void aServerThatDoesNotAnswer() throws Exception {
    Path socket = folder.resolve("s");
    LinkedBlockingQueue<String> notices = new LinkedBlockingQueue<>();
    CountDownLatch said = new CountDownLatch(1);
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(socket));
      Thread server =
          Thread.ofVirtual()
              .start(() -> {
                try (SocketChannel _ = silent.accept()) {
                  said.await();
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      Thread client =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  new ControlClient(socket, notices::add).ask("status", Map.of(), state -> {});
                } catch (RefusedException e) {
                  notices.add(String.valueOf(e.getMessage()));
                }
              });
      assertThat(notices.take()).startsWith("no answer yet from the server at " + socket);
      said.countDown();
      server.join();
      client.join();
      assertThat(notices.take())
          .startsWith("the server stopped before it answered; its log says why");
    }
  }

  @Test
  void aFileThatAnotherServerHas() throws Exception {
    String volumes = "volumes { vm1 { path = ../vm1.img, size = 1 MiB } }\n";
    Site one = new Site(Files.createDirectories(folder.resolve("one")));
    Site two = new Site(Files.createDirectories(folder.resolve("two")));
    try (ServerProcess first = one.serve(volumes);
        ServerProcess second = two.serve(volumes)) {
      List<?> warnings = (List<?>) two.ask("status", Map.of()).get("warnings");
      assertThat(String.valueOf(warnings))
          .contains(
              "volume vm1: it is not served: "
                  + folder.resolve("vm1.img")
                  + ": in use: another process, such as another server, has locked it; ")
          .doesNotContain("line 1", "snapshot-origin");
      assertThat(one.refusal("volume resize", Map.of("volume", "vm1", "bytes", 512 << 10)))
          .isEqualTo(
              "volume vm1 has 1 MiB: to shrink it to 512 KiB loses what is behind that; shrink the"
                  + " file system on it first, then use --force");
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }

  @Test
  void whatIsRefusedOfSnapshotsAndSessions() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server =
        site.serve(
            "volumes { vm1 { path = vm1.img, size = 1 MiB } }\n"
                + "targets { \"iqn.2026-11.org.example:vm1\" { luns { 0 = vm1 } } }\n")) {
      assertThat(run(0, "session", "list", "--socket", site.socket().toString()))
          .isEqualTo("nobody is logged in\n");

      // Names that no file can have.
      assertThat(site.refusal("snapshot remove", Map.of("name", "a\0@b", "force", true)))
          .isEqualTo("there is no snapshot a\0@b; there is none");

      site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
      site.ask("snapshot create", Map.of("names", List.of("vm1@b")));
      try (Initiator initiator = new Initiator()) {
        Site.Host host = Site.Host.logIn(initiator, server, "iqn.2026-11.org.example:vm1");
        Initiator.await(host.disk(0).read(0, 1), 60);
        assertThat(site.ask("snapshot merge", Map.of("name", "vm1@a")))
            .containsEntry("phase", "waiting");
        assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a")))
            .isEqualTo(
                "volume vm1 waits to be rolled back to vm1@a, which would be dropped; snapshot merge"
                    + " --cancel vm1@a first, or use --force");
        site.ask("snapshot remove", Map.of("name", "vm1@b"));
        site.ask("snapshot remove", Map.of("name", "vm1@a", "force", true));
      }
      assertThat(String.valueOf(site.ask("snapshot list", Map.of()))).doesNotContain("vm1@");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors())
          .contains("snapshot remove force=true name=a\\u0000@b: refused: there is no snapshot")
          .doesNotContain(": failed: ");
    }
  }

  @Test
  void outputThatCannotBeWritten() throws Exception {
    List<String> line = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" > /dev/full", "sh"));
    line.addAll(ServerProcess.command(folder, "check", "--help"));
    Process full = new ProcessBuilder(line).start();
    assertThat(new String(full.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("anabranch: the output could not be written: No space left on device");
    assertThat(full.waitFor()).isEqualTo(1);
  }

  @Test
  void aVolumeInAFolderThatIsNotThere() throws Exception {
    Path folderOfVolume = folder.resolve("no/such");
    Path file =
        Files.writeString(
            folder.resolve("a.conf"),
            "anabranch { state-dir = s, volumes { v { path = no/such/v.img, size = 1 MiB } } }");
    assertThat(run(1, "check", file.toString()))
        .contains(
            "would be left out: volume v: there is no folder "
                + folderOfVolume
                + "; make it, or correct path")
        .contains("warning: " + file + ":1: anabranch.targets: there are none");
  }
}
