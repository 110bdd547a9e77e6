// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.ChapCredentials;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code reload} and SIGHUP on a server whose initiators go on. */
final class ReloadTest {
  private static final String ONE = "iqn.2026-11.org.example:one";
  private static final String TWO = "iqn.2026-11.org.example:two";
  private static final String BASE =
      """
      volumes { vm1 { path = vm1.img, size = 8 MiB } }
      targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1 } } }
      """;

  @TempDir private Path folder;
  private Site site;
  private Initiator initiator;
  private @Nullable FileChannel lock;

  @BeforeEach
  void begin() {
    site = new Site(folder);
    initiator = new Initiator();
  }

  @AfterEach
  void end() throws IOException {
    initiator.close();
    if (lock != null) {
      lock.close();
    }
  }

  private List<?> reload() throws RefusedException {
    return (List<?>) site.ask("reload", Map.of()).getOrDefault("changes", List.of());
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static ByteBuffer read(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).rewind();
  }

  private List<?> volumes() throws RefusedException {
    return ((List<?>) site.ask("volume list", Map.of()).getOrDefault("volumes", List.of()))
        .stream().map(volume -> ((Map<?, ?>) volume).get("name")).toList();
  }

  private List<String> discover(ServerProcess server) throws Exception {
    return Initiator.await(initiator.discover(Site.address(server.portal())), 30).stream()
        .filter(found -> !found.addresses().isEmpty())
        .map(found -> found.name() + " " + String.join(" ", found.addresses()))
        .toList();
  }

  /** Portal groups, what a portal advertises, aliases and terms of discovery change under way. */
  @Test
  void portalsAndDiscoveryChangeUnderWay() throws Exception {
    try (ServerProcess server = site.serve(BASE)) {
      Site.Host host = Site.Host.logIn(initiator, server, ONE);
      assertThat(discover(server)).containsExactly(ONE + " 127.0.0.1:" + server.port() + ",1");
      String two =
          """
          portals = ["127.0.0.1:0", { listen = "127.0.0.2:0", group = 2, advertise = "nas.example:99" }]
          volumes { vm1 { path = vm1.img, size = 8 MiB } }
          targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1 }, open-to-anyone = true, %s } }
          """;
      site.configure(two.formatted("alias = \"a disk\""));
      assertThat(site.anabranch(0, "reload"))
          .isEqualTo("portal 127.0.0.2:0 added\ntarget " + ONE + ": who may log in\n");
      assertThat(discover(server))
          .containsExactly(ONE + " 127.0.0.1:" + server.port() + ",1 nas.example:99,2");
      Map<?, ?> session =
          (Map<?, ?>)
              ((List<?>) site.ask("session list", Map.of()).getOrDefault("sessions", List.of()))
                  .getFirst();
      assertThat(String.valueOf(session.get("portal"))).isEqualTo("127.0.0.1:" + server.port());
      assertThat(String.valueOf(session.get("portal-group"))).isEqualTo("1");

      site.configure(two.formatted("portal-groups = 2"));
      reload();
      host.awaitClosed();
      assertThat(discover(server)).isEmpty();

      site.configure(
          "discovery { chap { user = u, secret = twelve-bytes-long } }\n"
              + two.formatted("portal-groups = 1"));
      assertThat(reload())
          .map(String::valueOf)
          .contains("discovery changed, for the logins to come");
      assertThatThrownBy(() -> discover(server)).hasMessageContaining("0201");
      SessionOptions finder =
          SessionOptions.discovery()
              .chap(ChapCredentials.of("u", "twelve-bytes-long", Chap.SHA256));
      assertThat(
              Initiator.await(initiator.discover(Site.address(server.portal()), finder, "All"), 30))
          .isNotEmpty();
    }
  }

  @Test
  void thingsComeAndGoAndASessionThatTheyDoNotConcernGoesOn() throws Exception {
    try (ServerProcess server = site.serve(BASE)) {
      Site.Host host = Site.Host.logIn(initiator, server, ONE);
      Disk disk = host.disk(0);
      Initiator.await(disk.write(0, block(1)), 30);
      assertThat(site.anabranch(0, "reload")).isEqualTo("nothing has changed\n");

      site.configure(
          """
          portals = ["127.0.0.1:0", "127.0.0.2:0"]
          volumes { vm1 { path = vm1.img, size = 8 MiB }, vm2 { path = vm2.img, size = 4 MiB } }
          devices { ends = ["0 2048 linear vm2 0", "2048 2048 zero"] }
          targets {
            "iqn.2026-11.org.example:one" { luns { 0 = vm1, 3 = vm2 } }
            "iqn.2026-11.org.example:two" { luns { 0 = ends } }
          }
          """);
      assertThat(site.anabranch(0, "reload"))
          .isEqualTo(
              """
              portal 127.0.0.2:0 added
              volume vm2 added
              device ends added
              target iqn.2026-11.org.example:one: LUN 3 added
              target iqn.2026-11.org.example:two added
              """);
      assertThat(host.luns()).containsExactly(0, 3);
      assertThat(read(disk)).isEqualTo(block(1));
      Initiator.await(host.disk(3).write(0, block(2)), 30);
      List<?> portals =
          (List<?>) Objects.requireNonNull(site.ask("status", Map.of()).get("portals"));
      assertThat(portals).hasSize(2);
      Site.Host other =
          Site.Host.logIn(initiator, String.valueOf(portals.getLast()), SessionOptions.normal(TWO));
      assertThat(read(other.disk(0))).isEqualTo(block(2));

      site.configure(BASE);
      other.lives();
      assertThat(site.anabranch(1, "reload").lines())
          .containsExactly(
              "anabranch: target iqn.2026-11.org.example:one: LUN 3 (vm2) is in use by "
                  + host.session().options().initiatorName()
                  + " (session 1)",
              "target iqn.2026-11.org.example:two: LUN 0 (ends) is in use by "
                  + other.session().options().initiatorName()
                  + " (session 2)",
              "the new configuration would take that away: log out there first, or use anabranch"
                  + " reload --force");
      Tools.run(10, "sh", "-c", "kill -HUP " + server.process().pid()).expect(0);
      Await.until(
          "the log says it", () -> server.errors().contains("SIGHUP: not reloaded: target"));
      assertThat(other.lives()).isTrue();
      assertThat(site.anabranch(0, "reload", "--force").lines()).hasSize(5);
      other.awaitClosed();
      assertThat(other.heard()).contains("event 3");
      assertThat(read(disk)).isEqualTo(block(1)); // REPORT LUNS would take the attention
      assertThat(host.luns()).containsExactly(0);
      assertThat(host.heard()).doesNotContain("event 3").contains("3f/0e");
      assertThat(volumes()).isEqualTo(List.of("vm1"));
      assertThat(site.dm("ls")).isEqualTo("vm1\t(253:0)\n");
      assertThat(folder.resolve("vm2.img")).hasSize(4 << 20);
      assertThat(server.terminate()).isZero();
      assertThat(server.errors().replaceAll("(?m)^.*ERROR server: SIGHUP.*$", ""))
          .doesNotContain("ERROR");
    }
  }

  @Test
  void aPortalThatMadeWayForSeveralComesBackOnce() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      port = free.getLocalPort();
    }
    String portals = "portals = [\"127.0.0.%d:%d\"%s]\n" + BASE;
    try (ServerProcess server = site.serve(portals.formatted(1, port, ""));
        ServerSocket _ = new ServerSocket(port, 1, InetAddress.ofLiteral("127.0.0.3"))) {
      site.configure(portals.formatted(2, port, ", \"127.0.0.3:" + port + "\""));
      assertThat(site.refusal("reload", Map.of()))
          .isEqualTo("cannot listen on 127.0.0.3:" + port + ": Address already in use");
      assertThat(Site.Host.logIn(initiator, server, ONE).lives()).isTrue();
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void aBadFileIsToldInFullAndChangesNothing() throws Exception {
    try (ServerProcess server = site.serve(BASE);
        ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      Site.Host host = Site.Host.logIn(initiator, server, ONE);
      site.configure("volumes { vm1 { path = vm1.img, size = huge } }\ncolour = red\ntargets = 1");
      assertThat(site.anabranch(1, "reload"))
          .contains("anabranch.volumes.vm1.size")
          .contains("anabranch.colour: unknown key")
          .contains("anabranch.targets");

      site.configure(
          """
          state-dir = elsewhere
          volumes { vm1 { path = other.img, size = 8 MiB, block-size = 4096 }, vm2 { path = no.img } }
          targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1 } } }
          """);
      assertThat(site.refusal("reload", Map.of()).lines())
          .containsExactly(
              "state-dir cannot change from "
                  + folder.resolve("state")
                  + " to "
                  + folder.resolve("elsewhere")
                  + " while the server runs: stop it, move the folder, start it again",
              "volumes.vm1: path, block-size, physical-block-size cannot change while it is served:"
                  + " take it and its LUNs out of the file and reload, put them back and reload;"
                  + " or restart the server",
              "volume vm2: "
                  + folder.resolve("no.img")
                  + " does not exist, and no size says how large to make it: give the volume a"
                  + " size, or put its image there");

      // What is only found out half way is undone.
      site.configure(
          """
          portals = ["127.0.0.1:0", "127.0.0.1:%d"]
          volumes { vm1 { path = vm1.img, size = 16 MiB }, vm3 { path = vm3.img, size = 4 MiB } }
          targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1, 1 = vm3 } } }
          """
              .formatted(taken.getLocalPort()));
      assertThat(site.refusal("reload", Map.of()))
          .isEqualTo(
              "cannot listen on 127.0.0.1:" + taken.getLocalPort() + ": Address already in use");
      site.configure(
          """
          volumes { vm1 { path = vm1.img, size = 16 MiB }, vm3 { path = vm3.img, size = 4 MiB } }
          devices { bad = "0 8192 linear %s 0" }
          targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1, 1 = vm3 } } }
          """
              .formatted(locked()));
      assertThat(site.refusal("reload", Map.of())).contains("device bad");

      assertThat(host.lives()).isTrue();
      assertThat(host.luns()).containsExactly(0);
      assertThat(host.disk(0).bytes()).isEqualTo(8 << 20);
      assertThat(volumes()).isEqualTo(List.of("vm1"));
      assertThat(site.dm("ls")).isEqualTo("vm1\t(253:0)\n");
      assertThat(folder.resolve("vm3.img")).doesNotExist();
      assertThat(folder.resolve("vm1.img")).hasSize(8 << 20);
      assertThat(server.terminate()).isZero();
    }
  }

  /** A file that reads well, so that a rehearsal likes it, and is locked by this process. */
  private Path locked() throws Exception {
    Path file = folder.resolve("locked.img");
    Files.write(file, new byte[4 << 20]);
    lock = FileChannel.open(file, StandardOpenOption.WRITE);
    assertThat(lock.tryLock()).isNotNull();
    return file;
  }

  @Test
  void whoIsNoLongerAdmittedIsEndedAndNobodyElse() throws Exception {
    String access =
        """
        volumes { vm1 { path = vm1.img, size = 8 MiB } }
        targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1 }, %s } }
        """;
    String chap = "initiators = [\"iqn.2026-11.org.example:a\"], chap { user = u, secret = %s }";
    try (ServerProcess server = site.serve(BASE)) {
      SessionOptions a = SessionOptions.normal(ONE).as("iqn.2026-11.org.example:a");
      SessionOptions b = SessionOptions.normal(ONE).as("iqn.2026-11.org.example:b");
      Site.Host stays = Site.Host.logIn(initiator, server.portal(), a);
      Site.Host goes = Site.Host.logIn(initiator, server.portal(), b);

      site.configure(access.formatted(chap.formatted("first-secret-16")));
      assertThat(site.refusal("reload", Map.of()))
          .contains("LUN 0 (vm1) is in use by iqn.2026-11.org.example:b (session 2)")
          .doesNotContain("session 1");
      assertThat(site.ask("reload", Map.of("force", true)).get("changes"))
          .isEqualTo(List.of("target iqn.2026-11.org.example:one: who may log in"));
      goes.awaitClosed();
      assertThat(goes.heard()).contains("event 3");
      assertThat(stays.lives()).isTrue();
      assertThatThrownBy(() -> Site.Host.logIn(initiator, server.portal(), b))
          .hasMessageContaining("not found");
      assertThatThrownBy(() -> Site.Host.logIn(initiator, server.portal(), a))
          .hasMessageContaining("authentication failure");
      ChapCredentials first = ChapCredentials.of("u", "first-secret-16", Chap.MD5);
      Site.Host proven = Site.Host.logIn(initiator, server.portal(), a.isid(7).chap(first));

      // Another secret is for the logins to come; a LUN's mask is for everybody at once.
      site.configure(
          access
              .formatted(chap.formatted("other-secret-16"))
              .replace(
                  "0 = vm1",
                  "0 = vm1, 1 { device = vm1, initiators = [\"iqn.2026-11.org.example:c\"] }"));
      assertThat(reload()).hasSize(2);
      assertThat(proven.luns()).containsExactly(0);
      assertThatThrownBy(() -> Site.Host.logIn(initiator, server.portal(), a.isid(8).chap(first)))
          .hasMessageContaining("authentication failure");
      site.configure(
          access
              .formatted(chap.formatted("other-secret-16"))
              .replace(
                  "0 = vm1",
                  "0 = vm1, 1 { device = vm1, initiators = [\"iqn.2026-11.org.example:a\"] }"));
      assertThat(reload()).hasSize(1);
      assertThat(proven.luns()).containsExactly(0, 1);
      assertThat(stays.luns()).containsExactly(0, 1);
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aHangupReloadsAndAVolumeWithSnapshotsStays() throws Exception {
    try (ServerProcess server = site.serve(BASE)) {
      Site.Host host = Site.Host.logIn(initiator, server, ONE);
      site.anabranch(0, "snapshot", "create", "vm1@a");
      site.configure(
          """
          volumes { vm2 { path = vm2.img, size = 4 MiB } }
          targets { "iqn.2026-11.org.example:one" { luns { 0 = vm2 } } }
          """);
      assertThat(site.refusal("reload", Map.of()))
          .isEqualTo(
              "volume vm1 has snapshots (vm1@a): remove them or roll back to them first, or keep it in"
                  + " the file");
      site.configure(BASE.replace("size = 8 MiB", "size = 12 MiB"));
      Tools.run(10, "sh", "-c", "kill -HUP " + server.process().pid()).expect(0);
      Await.until(
          "the host is told of the new size",
          () -> {
            assertThat(host.lives()).isTrue();
            host.disk(0);
            return host.heard();
          },
          heard -> heard.contains("2a/09"));
      assertThat(host.disk(0).bytes()).isEqualTo(12 << 20);
      assertThat(folder.resolve("vm1.img")).hasSize(12 << 20);
      Files.writeString(site.configuration, "nonsense {");
      Tools.run(10, "sh", "-c", "kill -HUP " + server.process().pid()).expect(0);
      Await.until(
          "a refused reload is logged", server::errors, log -> log.contains("not reloaded"));
      assertThat(host.lives()).isTrue();
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aTableChangesUnderItsLun() throws Exception {
    String conf =
        """
        volumes { vm1 { path = vm1.img, size = 8 MiB } }
        devices { d = "%s" }
        targets { "iqn.2026-11.org.example:one" { luns { 0 = vm1, 1 = d } } }
        limits { sessions = %d }
        """;
    try (ServerProcess server = site.serve(conf.formatted("0 2048 linear vm1 0", 2))) {
      Site.Host host = Site.Host.logIn(initiator, server, ONE);
      Initiator.await(host.disk(0).write(0, block(5)), 30);
      assertThat(read(host.disk(1))).isEqualTo(block(5));
      site.configure(conf.formatted("0 4096 zero", 1));
      assertThat(reload())
          .isEqualTo(List.of("device d: table", "limits changed, for the logins to come"));
      assertThat(read(host.disk(1))).isEqualTo(block(0));
      assertThat(host.disk(1).bytes()).isEqualTo(2 << 20);
      assertThat(host.heard()).contains("2a/09", "28/00");
      assertThatThrownBy(() -> Site.Host.logIn(initiator, server, ONE))
          .hasMessageContaining("resources");
      assertThat(server.terminate()).isZero();
    }
  }
}
