// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code control-group}: who may use the control socket, and what else that opens. */
final class ControlGroupTest {
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      """;

  @TempDir private Path folder;
  private Site site;
  private String group;

  @BeforeEach
  void findGroup() throws IOException {
    site = new Site(folder);
    group = attributes(folder).group().getName();
  }

  private static PosixFileAttributes attributes(Path file) throws IOException {
    return Files.readAttributes(file, PosixFileAttributes.class);
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(attributes(file).permissions());
  }

  private String with(String name) {
    return CONFIGURATION + "control-group = \"" + name + "\"\n";
  }

  @Test
  void theGroupReachesTheSocketAndNothingElse() throws Exception {
    Path state = folder.resolve("state");
    try (ServerProcess server = site.serve(with(group))) {
      site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
      assertThat(mode(site.socket())).isEqualTo("rw-rw----");
      assertThat(attributes(site.socket()).group().getName()).isEqualTo(group);
      assertThat(mode(state)).as("its members pass, and list nothing").isEqualTo("rwx--x---");
      assertOpenToNobody(state);

      site.configure(CONFIGURATION);
      assertThat(site.anabranch(0, "reload")).contains("control-group changed");
      assertThat(mode(site.socket())).isEqualTo("rw-------");
      assertThat(mode(state)).isEqualTo("rwx------");

      site.configure(with(group));
      site.ask("reload", Map.of());
      assertThat(mode(site.socket())).isEqualTo("rw-rw----");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(mode(site.socket())).as("after a restart without it").isEqualTo("rw-------");
      assertThat(server.terminate()).isZero();
    }
  }

  /** Images, stores and state: who passes through the folder cannot read them. */
  private void assertOpenToNobody(Path state) throws IOException {
    assertThat(mode(image())).isEqualTo("rw-------");
    try (Stream<Path> files = Files.walk(state)) {
      for (Path file : files.filter(file -> !file.equals(state)).toList()) {
        if (!file.equals(site.socket())) {
          assertThat(mode(file)).as(file.toString()).endsWith("------");
        }
      }
    }
  }

  private Path image() {
    return folder.resolve("vm1.img");
  }

  @Test
  void aGroupThatDoesNotExistIsAWarningAndTheServerGoesOn() throws Exception {
    site.configure(with("no-such-group"));
    assertThat(
            Tools.run(
                    60,
                    ServerProcess.command(folder, "check", site.configuration.toString())
                        .toArray(String[]::new))
                .expect(0)
                .output())
        .contains("control-group: there is no group no-such-group on this machine");
    try (ServerProcess server = site.serve(with("no-such-group"))) {
      assertThat(mode(site.socket())).isEqualTo("rw-------");
      assertThat(site.anabranch(0, "status"))
          .contains("control-group no-such-group: there is no such group");
      site.configure(with(group));
      site.ask("reload", Map.of());
      assertThat(site.anabranch(0, "status")).doesNotContain("no-such-group");
      assertThat(server.terminate()).isZero();
    }
  }

  /** A member who is neither the server's user nor root: the log says by which group. */
  @Test
  void theLogNamesTheMemberAndTheGroup() throws Exception {
    Tools.require("setpriv", "perl");
    Tools.requireThat(
        Files.getAttribute(folder, "unix:uid").equals(0), "only root can become another user");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    String log;
    try (ServerProcess server = site.serve(with("users") + "log { format = json }\n")) {
      String[] ask = {
        "setpriv",
        "--reuid=65534",
        "--regid=users",
        "--clear-groups",
        "perl",
        "-MIO::Socket::UNIX",
        "-e",
        "my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"$!\\n\"; print $s $ARGV[1] . \"\\n\";"
            + " $s->flush; print <$s>",
        site.socket().toString(),
        "{\"verb\":\"snapshot create\",\"arguments\":{\"names\":[\"vm1@a\"]}}"
      };
      assertThat(Tools.run(60, ask).expect(0).output()).contains("\"result\"");
      ask[2] = "--regid=65534";
      assertThat(Tools.run(60, ask).output()).as("not a member").contains("Permission denied");
      assertThat(server.terminate()).isZero();
      log = server.errors();
    }
    assertThat(log)
        .contains("\"group\":\"users\"")
        .containsPattern("uid 65534 \\([^,)]+, by group users\\): snapshot create names=");
  }

  @Test
  void theEnvironmentNamesTheSocketAndTheOptionWins() throws Exception {
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      Map<String, String> environment = Map.of("ANABRANCH_SOCKET", site.socket().toString());
      try (ServerProcess status = new ServerProcess(folder, environment, "status")) {
        assertThat(status.output()).contains("vm1");
        assertThat(status.await()).isZero();
      }
      try (ServerProcess other =
          new ServerProcess(folder, environment, "status", "--socket", "/nowhere/control.sock")) {
        assertThat(other.await()).isEqualTo(1);
        assertThat(other.errors()).contains("/nowhere/control.sock");
      }
      assertThat(server.terminate()).isZero();
    }
  }
}
