// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code volume-defaults} and {@code volume limit} mean for volumes that commands make, over
 * restarts, reloads and renames.
 */
@Timeout(120)
final class RuntimeVolumeLimitsTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";

  @TempDir private Path folder;

  private static String configuration(String defaults) {
    return """
    volume-defaults { %s }
    volumes { a { path = a.img, size = 1 MiB, limits.iops = 77, block-size = 512 } }
    targets { "%s" { luns { 0 = a } } }
    """
        .formatted(defaults, TARGET);
  }

  private static Map<?, ?> volume(Site site, String name) throws Exception {
    List<?> volumes =
        (List<?>) Objects.requireNonNull(site.ask("volume list", Map.of()).get("volumes"));
    return (Map<?, ?>)
        volumes.stream()
            .filter(each -> name.equals(((Map<?, ?>) each).get("name")))
            .findAny()
            .orElseThrow();
  }

  private static String iops(Site site, String name) throws Exception {
    return volume(site, name).get("limits") instanceof Map<?, ?> limits
        ? limits.get("iops") + " " + limits.get("configured")
        : "none";
  }

  @Test
  void limitsAreKeptOverRestartsReloadsAndNames() throws Exception {
    Site site = new Site(folder);
    String first = configuration("limits.iops = 300");
    try (ServerProcess server = site.serve(first)) {
      site.anabranch(0, "volume", "create", "db", "--size", "1MiB");
      assertThat(iops(site, "db")).as("those of volume-defaults").isEqualTo("300 true");
      assertThat(site.anabranch(0, "volume", "limit", "db", "--iops", "7"))
          .isEqualTo("volume db: 7 iops\n");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(first)) {
      assertThat(iops(site, "db")).as("after a restart").isEqualTo("7 false");
      assertThat(iops(site, "a")).isEqualTo("77 true");
      site.configure(configuration("limits.iops = 400"));
      assertThat(site.anabranch(0, "reload")).contains("volume-defaults changed");
      assertThat(iops(site, "db")).as("other defaults").isEqualTo("7 false");
      site.anabranch(0, "volume", "rename", "db", "web");
      assertThat(iops(site, "web")).as("with another name").isEqualTo("7 false");
      server.process().destroyForcibly();
      server.await();
    }
    try (ServerProcess server = site.serve(configuration("limits.iops = 400"))) {
      assertThat(iops(site, "web")).as("after a crash").isEqualTo("7 false");
      assertThat(site.check(0)).contains("limits of web: 7 iops");
      assertThat(site.anabranch(0, "volume", "limit", "web", "configured"))
          .isEqualTo("volume web: 400 iops\n");
      site.configure(configuration("limits.iops = 500"));
      site.anabranch(0, "reload");
      assertThat(iops(site, "web")).as("follows the defaults again").isEqualTo("500 true");
      site.anabranch(0, "volume", "limit", "web", "none");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(configuration("limits.iops = 500"))) {
      assertThat(volume(site, "web").get("limits")).as("none is kept, too").isNull();
      site.anabranch(0, "volume", "limit", "web", "configured", "--burst", "5s");
      assertThat(iops(site, "web")).isEqualTo("500 false");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void theLimitsOfTheFileHoldWhereItHasAVolumeOfTheName() throws Exception {
    Site site = new Site(folder);
    String without = configuration("limits.iops = 50");
    String with = without.replace("volumes {", "volumes { b { path = other.img, size = 1 MiB },");
    try (ServerProcess server = site.serve(without)) {
      site.anabranch(0, "volume", "create", "b", "--size", "1MiB");
      site.anabranch(0, "volume", "limit", "b", "--iops", "9");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(with)) {
      assertThat(iops(site, "b")).isEqualTo("50 true");
      site.anabranch(0, "volume", "limit", "b", "--iops", "8");
      assertThat(iops(site, "b")).isEqualTo("8 false");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(without)) {
      assertThat(iops(site, "b")).isEqualTo("9 false");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aVolumeIsMadeAsTheDefaultsSayAndStaysSo() throws Exception {
    Site site = new Site(folder);
    String defaults = "block-size = 4096, physical-block-size = 8192, read-only = on";
    try (ServerProcess server = site.serve(configuration(defaults))) {
      site.anabranch(0, "volume", "create", "b", "--size", "1MiB");
      site.anabranch(0, "volume", "create", "c", "--size", "1MiB", "--no-read-only");
      site.anabranch(
          0, "volume", "create", "d", "--size", "1MiB", "--block-size", "512", "--removable");
      assertThat(site.anabranch(1, "volume", "create", "e", "--size", "512"))
          .contains("512 bytes are no whole number of blocks of 4096 bytes");
      Path stream = folder.resolve("stream");
      site.anabranch(0, "snapshot", "create", "c@s");
      Files.write(stream, site.export("c@s"));
      site.anabranch(0, "volume", "import", "copy", stream.toString());
      assertThat(volume(site, "copy").toString())
          .as("what is imported is written, now and again")
          .contains("block-size=4096", "read-only=false");
      assertThat(server.terminate()).isZero();
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration(""))) {
      site.anabranch(0, "lun", "add", TARGET, "1", "b");
      site.anabranch(0, "lun", "add", TARGET, "2", "c");
      site.anabranch(0, "lun", "add", TARGET, "3", "d");
      assertThat(volume(site, "b").toString()).contains("block-size=4096", "read-only=true");
      assertThat(volume(site, "c").toString()).contains("block-size=4096", "read-only=false");
      assertThat(volume(site, "d").toString()).contains("block-size=512");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(isRemovable(host.disk(3))).isTrue();
      assertThat(isRemovable(host.disk(2))).isFalse();
      assertThat(server.terminate()).isZero();
    }
  }

  /** RMB, SPC-4 6.6.2. */
  private static boolean isRemovable(Disk disk) throws Exception {
    return (Initiator.await(disk.inquiry(), 30).get(1) & 0x80) != 0;
  }

  @Test
  void theOldNameOfAVolumeIsFree() throws Exception {
    Site site = new Site(folder);
    String schedule = "snapshots { hourly { volumes = [a, db], every = 1 h, keep = 2 } }";
    try (ServerProcess server = site.serve(configuration("") + schedule)) {
      site.anabranch(0, "volume", "create", "db", "--size", "1MiB");
      site.anabranch(0, "snapshot", "create", "db@s", "--description", "before");
      assertThat(site.anabranch(1, "volume", "rename", "db", "web"))
          .contains("schedule hourly of the configuration", "write the new name there");
      site.configure(configuration("") + schedule.replace("db", "web"));
      site.anabranch(0, "reload");
      site.anabranch(0, "volume", "rename", "db", "web");
      assertThat(site.anabranch(0, "snapshot", "list")).contains("web@s", "before");
      assertThat(site.anabranch(0, "schedule", "run", "hourly")).doesNotContain("no snapshot");
      assertThat(site.anabranch(0, "snapshot", "list", "web")).contains("web@hourly-");
      // Its image is still db.img.
      assertThat(site.anabranch(0, "volume", "create", "db", "--size", "1MiB"))
          .contains("volume db made, with ", "images/db~2.img");
      site.anabranch(0, "volume", "rename", "db", "data");
      assertThat(site.anabranch(0, "volume", "create", "db", "--size", "1MiB"))
          .contains("images/db~3.img");
      site.anabranch(0, "snapshot", "create", "db@s");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    try (ServerProcess server = site.serve(configuration(""))) {
      assertThat(site.anabranch(0, "volume", "list")).contains("web", "data", "db");
      assertThat(site.anabranch(0, "snapshot", "list")).contains("web@s", "db@s");
      assertThat(Files.exists(folder.resolve("state/images/db.img"))).isTrue();
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }
}
