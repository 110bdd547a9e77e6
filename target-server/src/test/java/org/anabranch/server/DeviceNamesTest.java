// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of devices that are also words of tables, and paths that need quoting. */
final class DeviceNamesTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"zero", "linear", "8", "2048", "vm1.img"})
  void aDeviceNamedAsAWordOfItsTableComesBack(String name) throws Exception {
    Site site = new Site(folder);
    String configuration = "volumes { vm1 { path = vm1.img, size = 1 MiB } }";
    try (ServerProcess _ = site.serve(configuration)) {
      site.dmTable("0 2048 zero", "create", name);
      site.dmTable("0 8 linear " + name + " 8", "create", "a");
      site.dmTable("0 8 linear a 0\n8 2040 linear " + name + " 8", "create", "mix");
      site.dm("rename", "a", "linear".equals(name) ? "zero" : "linear");
    } // killed
    try (ServerProcess server = site.serve(configuration)) {
      assertThat(site.dm("table", name)).isEqualTo("0 2048 zero \n");
      assertThat(site.dm("table", "mix"))
          .contains("8 2040 linear " + name + " 8")
          .contains("0 8 linear " + ("linear".equals(name) ? "zero" : "linear") + " 0");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void configuredDevicesMayBeNamedAsWords() throws Exception {
    Site site = new Site(folder);
    String devices =
        """
        volumes { 0 { path = v.img, size = 1 MiB } }
        devices { linear = "0 8 linear 8 0", 8 = "0 8 zero", zero = "0 8 linear 0 8" }
        """;
    try (ServerProcess _ = site.serve(devices)) {
      assertThat(site.dm("table", "linear", "8", "zero"))
          .isEqualTo("linear: 0 8 linear 8 0\n8: 0 8 zero \nzero: 0 8 linear 0 8\n");
    }
  }

  @Test
  void aVolumeNamedAsAWordCanBeTakenOut() throws Exception {
    Site site = new Site(folder);
    String vm1 = "vm1 { path = vm1.img, size = 1 MiB }";
    try (ServerProcess _ =
        site.serve("volumes { " + vm1 + ", linear { path = l.img, size = 1 MiB } }")) {
      site.dmTable("0 2048 linear vm1 0", "create", "x");
      site.dmTable("0 2048 linear linear 0", "create", "y");
      String now = Files.readString(site.configuration);
      Files.writeString(
          site.configuration, now.replace(", linear { path = l.img, size = 1 MiB }", ""));

      assertThat(site.refusal("reload", Map.of()))
          .contains("volume linear is below device y")
          .doesNotContain("device x");
      site.dm("remove", "y");
      site.ask("reload", Map.of());

      assertThat(site.dm("ls")).doesNotContain("linear");
    }
  }

  @Test
  void foldersMayHaveBlanks() throws Exception {
    Path blank = Files.createDirectory(folder.resolve("with \\ blanks"));
    Files.write(blank.resolve("a b.img"), new byte[8192]);
    Site site = new Site(blank);
    String devices = "devices { d = \"0 8 linear ./a\\\\ b.img 8\", e = \"0 8 linear d 0\" }";
    try (ServerProcess _ = site.serve(devices)) {
      assertThat(site.dm("table", "d")).endsWith("with\\ \\\\\\ blanks/a\\ b.img 8\n");
      assertThat(site.dm("table", "e")).isEqualTo("0 8 linear d 0\n");
      assertThat(
              site.anabranchProcess(0, "dm", "create", "f", "--table", "0 8 linear ./a\\ b.img 0"))
          .isEmpty();
      assertThat(site.dm("table", "f")).contains("a\\ b.img 0");
      assertThat(List.of(site.dm("ls").split("\n", -1))).hasSize(4);
    }
  }
}
