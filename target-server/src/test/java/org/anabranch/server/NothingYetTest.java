// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that has nothing, or little, and the words that users of other software type. */
final class NothingYetTest {
  private static final String TARGET = "iqn.2026-11.org.example:empty";

  @TempDir private Path folder;

  /** What a list says when there is nothing: that, and how to make one. */
  @Test
  void aListOfNothingSaysSo() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve("")) {
      Map<String, String> answers =
          Map.of(
              "volume list", "there are no volumes; to make one: anabranch volume create NAME",
              "lun list", "there are no LUNs; to add one to a target",
              "snapshot list", "there are no snapshots; to take one: anabranch snapshot create",
              "session list", "nobody is logged in",
              "dm list", "No devices found",
              "dm ls", "No devices found",
              "dm table", "No devices found",
              "stats", "there is nothing to count");
      for (Map.Entry<String, String> each : answers.entrySet()) {
        List<String> words = List.of(each.getKey().split(" ", -1));
        String text = site.anabranch(0, words.toArray(String[]::new));
        assertThat(text).as(each.getKey()).contains(each.getValue());
        assertThat(text).doesNotContain("VOLUME  ", "SNAPSHOT  ", "TARGET  ");
      }
      assertThat(site.anabranch(0, "dm", "ls")).contains("anabranch dm create NAME --table TABLE");
      assertThat(site.anabranch(0, "status"))
          .contains("there are no volumes; to make one", "there are no targets")
          .doesNotContain("VOLUME  ");
      for (String list : List.of("volume", "lun", "snapshot", "session")) {
        Map<String, Object> json = Json.parse(site.anabranch(0, list, "ls", "--json"));
        assertThat(json.get(list + "s")).as(list).isEqualTo(List.of());
      }
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aTargetThatHasNoLunsYetGetsOneAtRunTime() throws Exception {
    Site site = new Site(folder);
    String none = "targets { \"" + TARGET + "\" { } }\n";
    String text = "volumes { v { path = v.img, size = 1 MiB } }\n" + none;
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(text)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).isEmpty();
      assertThat(site.anabranch(0, "status")).containsPattern("- +no LUNs +" + TARGET + " +iqn\\.");
      CommandRun check = CommandRun.of("check", site.configuration.toString()).expect(0);
      assertThat(check.output()).contains("target " + TARGET + " for anybody\n  no LUNs\n");
      assertThat(check.errors())
          .contains("warning: ", "no LUNs: initiators that log in find no disk here");

      site.anabranch(0, "lun", "add", TARGET, "0", "v");
      assertThat(host.luns()).containsExactly(0);
      assertThat(site.anabranch(0, "snapshot", "ls", "v"))
          .isEqualTo("volume v has no snapshots; to take one: anabranch snapshot create v@NAME\n");
      assertThat(server.terminate()).isZero();
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(text)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).containsExactly(0);
      site.anabranch(0, "lun", "rm", TARGET, "0", "--force");
      assertThat(host.luns()).isEmpty();
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void whatUsersOfOtherSoftwareTypeWorks() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server =
        site.serve(
            "volumes { v { path = v.img, size = 1 MiB } }\n targets { \""
                + TARGET
                + "\" { luns { 0 = v } } }\n")) {
      for (String each : List.of("rm", "delete")) {
        site.anabranch(0, "volume", "create", "w", "--size", "1MiB");
        site.anabranch(0, "lun", "add", TARGET, "1", "w");
        assertThat(site.anabranch(0, "lun", "ls")).contains("lun add");
        site.anabranch(0, "lun", each, TARGET, "1");
        site.anabranch(0, "volume", each, "w", "--delete-image");
        site.anabranch(0, "snapshot", "create", "v@s");
        site.anabranch(0, "snapshot", each, "v@s");
        site.dmTable("0 8 linear v 0", "create", "d");
        site.anabranch(0, "dm", each, "d");
        assertThat(site.anabranch(1, "session", each, "77")).contains("77");
      }
      site.anabranch(0, "snapshot", "create", "v@s");
      assertThat(site.anabranch(0, "snapshot", "rollback", "v@s", "--wait"))
          .contains("volume v is rolled back to v@s");
      assertThat(server.terminate()).isZero();
    }
  }
}
