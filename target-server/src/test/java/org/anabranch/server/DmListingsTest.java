// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verbs of dmsetup for scripts: deps, trees, columns, force, read-only devices. */
final class DmListingsTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB } }
      devices { top = "0 2048 linear vm1 0" }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = top } } }
      """;

  @TempDir private Path folder;

  @Test
  void whatDevicesStandOn() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.dmTable("0 8 linear top 0", "create", "a");
      site.dmTable("0 8 linear a 0\n8 8 linear top 8\n16 8 zero", "create", "b");
      String image = folder.resolve("vm1.img").toString();
      assertThat(site.dm("deps", "a")).matches("1 dependencies\t: \\(253, [0-9]+\\)\n");
      assertThat(site.dm("deps", "-o", "devname", "b")).isEqualTo("2 dependencies\t: (a) (top)\n");
      assertThat(site.dm("deps", "vm1"))
          .as("a file")
          .isEqualTo("1 dependencies\t: (" + image + ")\n");
      assertThat(site.dm("deps")).contains("a: 1 dependencies\t:", "top: 1 dependencies\t:");
      assertThat(site.dm("ls", "--tree").replaceAll("253:[0-9]+", "N"))
          .isEqualTo(
              """
              b (N)
               ├─a (N)
               │  └─top (N)
               │     └─vm1 (N)
               │        └─ (FILE)
               └─top (N)
                  └─vm1 (N)
                     └─ (FILE)
              """
                  .replace("FILE", image));
      assertThat(site.dmRefusal("deps", "x")).isEqualTo("dm deps x: No such device or address: x");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void infoInColumns() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.dm("create", "bare");
      site.dm("create", "a-device-with-a-long-name");
      site.dm("suspend", "top");
      assertThat(site.dm("info", "-c").lines().toList())
          .first()
          .isEqualTo("Name                      Maj Min Stat Open Targ Event  UUID");
      assertThat(site.dm("info", "-c", "top"))
          .startsWith("Name             Maj Min Stat Open Targ Event  UUID\n")
          .containsPattern("\ntop              253   [0-9] L-sw    [0-9]    1      0\n");
      assertThat(site.dm("info", "-c", "--noheadings", "-o", "name,attr", "bare"))
          .isEqualTo("bare             ---w\n");
      assertThat(site.dm("info", "-c", "--noheadings", "-o", "name")).contains("top\n", "vm1\n");
      assertThat(site.dm("info", "-C", "-o", "+name", "vm1").lines().findFirst().orElse(""))
          .endsWith(" Name");
      assertThat(site.dmRefusal("info", "-c", "-o", "size"))
          .contains("no field 'size'", "segments");
      assertThat(site.dmRefusal("info", "-o", "name")).contains("are for -c");
      assertThat(site.dmRefusal("wait", "vm1", "x"))
          .contains("EVENT 'x' is no event number: a whole number, as dm info shows it");
      assertThat(site.dm("status", "--noflush", "top")).isEqualTo("0 2048 linear \n");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void whatIsInUseFailsByForceAndGoesLater() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.dmTable("0 8 linear top 0", "create", "a");
      site.dmTable("0 8 linear a 0", "create", "b");
      assertThat(site.dmRefusal("remove", "a")).contains("in use");
      assertThat(site.dm("table", "a")).contains("linear");
      assertThat(site.dmRefusal("remove", "-f", "a")).contains("in use");
      assertThat(site.dm("table", "a")).isEqualTo("0 8 error \n");
      site.dm("wipe_table", "b");
      assertThat(site.dm("table", "b")).isEqualTo("0 8 error \n");
      site.dm("remove", "a");
      assertThat(site.dmRefusal("wipe_table", "top")).contains("it is in the configuration");

      site.dmTable("0 8 linear b 0", "create", "c");
      site.dmTable("0 8 linear c 0", "create", "d");
      site.dm("remove_all");
      assertThat(site.dm("ls"))
          .as("what is configured stays")
          .contains("top", "vm1")
          .doesNotContain("b\t", "c\t");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server =
        ServerProcess.serving(folder, Files.readString(site.configuration))) {
      assertThat(site.dm("ls")).as("after a restart").doesNotContain("a\t", "b\t");
      assertThat(server.terminate()).isZero();
    }
  }

  /** Writes end as those to a write-protected disk do, also through devices above; and so again. */
  @Test
  void aReadOnlyDevice() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.dmTable("0 2048 zero", "create", "--readonly", "ro");
      site.dm("rename", "ro", "r2");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server =
            ServerProcess.serving(folder, Files.readString(site.configuration));
        Initiator initiator = new Initiator()) {
      assertThat(site.dm("info", "r2")).contains("ACTIVE (READ-ONLY)");
      assertThat(site.dm("info", "-c", "--noheadings", "-o", "attr", "r2")).isEqualTo("L--r\n");
      site.dmTable("0 2048 linear r2 0", "load", "top");
      site.dm("resume", "top");
      Disk disk =
          Site.Host.logIn(initiator, server.portal(), SessionOptions.normal(TARGET)).disk(0);
      assertThat(Initiator.await(disk.read(0, 1), 60).remaining()).isEqualTo(512);
      assertThatThrownBy(() -> Initiator.await(disk.write(0, ByteBuffer.allocate(512)), 60))
          .isInstanceOfSatisfying(
              ScsiException.class, e -> assertThat(e.toString()).containsIgnoringCase("27/00"));
      site.dm("suspend", "top");
      site.dmTable("0 2048 linear vm1 0", "load", "top");
      site.dm("resume", "top");
      site.dm("remove", "r2");
      site.dmTable("0 8 zero", "create", "r2");
      assertThat(site.dm("info", "r2")).as("another of its name").doesNotContain("READ-ONLY");
    }
  }
}
