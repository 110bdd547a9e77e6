// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A merge that waits for its initiator, whose sessions end in every way; real processes. */
final class WaitingMergeTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns {
        0 { device = vm1, initiators = ["iqn.2026-11.org.anabranch:initiator", "*:second"] }
        1 = vm2
      } } }
      """;
  private static final SessionOptions OPTIONS = SessionOptions.normal(TARGET).isid(0x00023d000001L);
  private static final SessionOptions SECOND =
      SessionOptions.normal(TARGET).as("iqn.2026-11.org.anabranch:second");
  private static final SessionOptions MASKED =
      SessionOptions.normal(TARGET).as("iqn.2026-11.org.anabranch:masked");
  private static final Map<String, Object> MERGE = Map.of("name", "vm1@a");

  @TempDir private Path folder;
  private final Initiator initiator = new Initiator();
  private Site site;
  private ServerProcess server;

  @BeforeEach
  void start() throws Exception {
    site = new Site(folder);
    server = site.serve(CONFIGURATION);
  }

  @AfterEach
  void stop() {
    initiator.close();
    server.close();
  }

  private Site.Host login(SessionOptions options) throws Exception {
    return Site.Host.logIn(initiator, server.portal(), options);
  }

  private static void put(Site.Host host, int value) throws Exception {
    Initiator.await(host.disk(0).writeThrough(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
  }

  private static int get(Site.Host host) throws Exception {
    return Initiator.await(host.disk(0).read(0, 8), 30).getInt(0);
  }

  /** Old contents 1, new contents 2. */
  private Site.Host upgraded() throws Exception {
    Site.Host host = login(OPTIONS);
    put(host, 1);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    put(host, 2);
    return host;
  }

  private static void lose(Site.Host host) throws Exception {
    host.session().connection().reset();
    host.awaitClosed();
  }

  private String list() throws Exception {
    return site.ask("snapshot list", Map.of()).toString();
  }

  private void awaitCutOff() throws Exception {
    Await.until("it is cut off", () -> list(), text -> text.contains("cut-off-since"));
  }

  private void awaitMerged() throws Exception {
    Await.until("the merge is over", () -> list(), "{snapshots=[]}"::equals);
  }

  @Test
  void onlyTheInitiatorsOwnLogoutEndsItsUse() throws Exception {
    Site.Host host = upgraded();
    login(MASKED); // does not see the volume, and does not count
    assertThat(site.ask("snapshot merge", MERGE).toString())
        .contains("phase=waiting", OPTIONS.initiatorName())
        .doesNotContain("masked");
    lose(host);
    awaitCutOff();
    host = login(OPTIONS);
    assertThat(get(host)).isEqualTo(2);
    Site.Host again = login(OPTIONS); // reinstates
    assertThat(get(again)).isEqualTo(2);
    site.ask("session drop", Map.of("id", (long) again.session().parameters().tsih()));
    again.awaitClosed();
    awaitCutOff();
    server.close(); // kill -9
    server = site.serve(CONFIGURATION);
    assertThat(list()).contains("phase=waiting", "cut-off-since");
    host = login(OPTIONS);
    assertThat(get(host)).isEqualTo(2);
    assertThat(server.terminate()).isZero(); // the initiator answers with a Logout, as it is asked
    server = site.serve(CONFIGURATION);
    assertThat(list()).contains("phase=waiting", "cut-off-since");
    host = login(OPTIONS);
    assertThat(get(host)).isEqualTo(2);
    Initiator.await(host.session().logout(), 30);
    awaitMerged();
    assertThat(get(login(OPTIONS))).isEqualTo(1);
  }

  /** Nobody may forget whom a lost record had, not for volumes without snapshots either. */
  @Test
  void aLostRecordForgetsNobody() throws Exception {
    Site.Host host = login(OPTIONS);
    put(host, 1);
    server.close(); // kill -9
    host.awaitClosed();
    Files.delete(folder.resolve("state/uses.json"));
    server = site.serve(CONFIGURATION);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    assertThat(site.ask("snapshot merge", MERGE).toString())
        .contains("phase=waiting", "initiator=unknown");
    site.ask("snapshot merge", Map.of("name", "vm1@a", "assume-gone", "unknown"));
    awaitMerged();
    assertThat(server.errors()).contains("uses.json: who uses vm1, vm2 is not known, since the");
  }

  @Test
  void whoIsCutOffMayBeAssumedGone() throws Exception {
    Site.Host host = upgraded();
    site.ask("snapshot merge", MERGE);
    Map<String, Object> gone = Map.of("name", "vm1@a", "assume-gone", OPTIONS.initiatorName());
    assertThat(site.refusal("snapshot merge", gone)).contains("is logged in, so it is not gone");
    lose(host);
    awaitCutOff();
    assertThat(site.anabranch(0, "snapshot", "merge", "vm1@a"))
        .contains("it waits for:", OPTIONS.initiatorName() + ", cut off since ")
        .contains("snapshot merge --assume-gone INITIATOR");
    assertThat(site.ask("snapshot merge", gone)).containsEntry("phase", "merging");
    assertThat(get(login(OPTIONS))).isEqualTo(1);
  }

  /** A host that has just booted: iscsid logs in once more, and that is not the reboot. */
  @Test
  void atTheNextLoginOfWhoIsCutOffTheAnswerWarns() throws Exception {
    Site.Host host = upgraded();
    site.ask("snapshot merge", MERGE);
    lose(host);
    awaitCutOff();
    assertThat(site.anabranch(0, "snapshot", "merge", "--on-next-login", "vm1@a"))
        .contains("cut off since", "take this back at once (--cancel)")
        .doesNotContain("reboot it now");
    site.anabranch(0, "snapshot", "merge", "--cancel", "vm1@a");
    assertThat(get(login(OPTIONS))).isEqualTo(2);
  }

  @Test
  void atTheNextLoginNothingIsReadBeforeTheMerge() throws Exception {
    Site.Host host = upgraded();
    Site.Host second = login(SECOND);
    Map<String, Object> next = Map.of("name", "vm1@a", "on-next-login", true);
    assertThat(site.refusal("snapshot merge", next)).contains("more than one initiator uses");
    Initiator.await(second.session().logout(), 30);
    site.ask("snapshot merge", MERGE);
    Await.until("the second is gone", () -> list(), text -> !text.contains("second"));
    assertThat(site.anabranch(0, "snapshot", "merge", "--on-next-login", "vm1@a"))
        .contains("reboot it now");
    assertThat(get(host)).isEqualTo(2);
    host = login(OPTIONS); // reinstates, as the initramfs does
    assertThat(get(host)).isEqualTo(1);
    put(host, 3);
    lose(host); // iscsid takes the session over
    host = login(OPTIONS);
    assertThat(get(host)).isEqualTo(3);
    awaitMerged();
    assertThat(get(host)).isEqualTo(3);
  }

  /** These bring the initiator back by itself: that is no reboot. */
  @Test
  void neitherADropNorARestartIsAReboot() throws Exception {
    Site.Host host = upgraded();
    Map<String, Object> next = Map.of("name", "vm1@a", "on-next-login", true);
    site.ask("snapshot merge", next);
    assertThat(list()).contains("on-next-login-until");
    site.ask("session drop", Map.of("id", (long) host.session().parameters().tsih()));
    host.awaitClosed();
    awaitCutOff();
    assertThat(get(login(OPTIONS))).isEqualTo(2);
    for (boolean kill : List.of(true, false)) {
      site.ask("snapshot merge", next);
      if (kill) {
        server.close();
      } else {
        assertThat(server.terminate()).isZero();
      }
      server = site.serve(CONFIGURATION);
      Await.until(
          "the log says why it waits",
          server::errors,
          log -> log.contains("since the server was restarted before that, it waits"));
      assertThat(get(login(OPTIONS))).isEqualTo(2);
      assertThat(list()).contains("phase=waiting").doesNotContain("on-next-login-until");
    }
    site.ask(
        "snapshot merge", Map.of("name", "vm1@a", "on-next-login", true, "time-limit-seconds", 1));
    Await.until(
        "the time limit is over", () -> list(), text -> !text.contains("on-next-login-until"));
    assertThat(get(login(OPTIONS))).isEqualTo(2);
  }

  @Test
  void aBoundOfTheSpeedIsKept() throws Exception {
    Site.Host host = upgraded();
    assertThat(site.anabranch(0, "snapshot", "merge", "--throttle", "50MB/s", "vm1@a"))
        .contains("it waits for:");
    assertThat(list()).contains("throttle-bytes-per-second=50000000");
    server.close();
    server = site.serve(CONFIGURATION);
    assertThat(list()).contains("throttle-bytes-per-second=50000000");
    site.ask("snapshot merge", Map.of("name", "vm1@a", "throttle", 0));
    assertThat(list()).doesNotContain("throttle");
    host.awaitClosed();
  }
}
