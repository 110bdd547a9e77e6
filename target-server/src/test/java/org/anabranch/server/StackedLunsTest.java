// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.storage.StackedLuns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StackedLunsTest {
  private static final String STACK =
      """
      anabranch {
        state-dir = state
        volumes { v { path = v.img, size = 1 MiB }, w { path = w.img, size = 1 MiB } }
        devices {
          part = "0 1024 linear v 0"
          whole = "0 1024 linear part 0"
          file = "0 1024 linear ./w.img 0"
          none = "0 1024 zero"
        }
        targets {
          "iqn.2026-11.org.example:one" { luns { LUNS } }
        }
      }
      """;

  @TempDir Path folder;

  private Configuration configuration(String luns) throws Exception {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(file, STACK.replace("LUNS", luns));
    return ConfigurationFile.read(file);
  }

  private String warnings(String luns) throws Exception {
    return String.valueOf(StackedLuns.of(configuration(luns)));
  }

  @Test
  void aDeviceAndWhatItIsMadeOfAreReportedWhenBothAreLuns() throws Exception {
    assertThat(warnings("0 = v, 1 = whole")).contains("device whole: it is made of v, and both");
    assertThat(warnings("0 = part, 1 = whole")).contains("device whole: it is made of part,");
    assertThat(warnings("0 = w, 1 = file")).contains("device file: it is made of w,");
  }

  @Test
  void othersAreNot() throws Exception {
    assertThat(warnings("0 = w, 1 = whole, 2 = none, 3 = \"v@s\"")).isEqualTo("[]");
    assertThat(warnings("0 = v, 1 = v, 2 = \"v@s\"")).isEqualTo("[]");
  }

  @Test
  void statusSaysIt() throws Exception {
    String configuration = STACK.replace("LUNS", "0 = v, 1 = part");
    Site site = new Site(folder);
    try (ServerProcess server =
        site.serve(
            configuration.substring(
                configuration.indexOf("volumes"), configuration.lastIndexOf('}')))) {
      assertThat(String.valueOf(site.ask("status", java.util.Map.of()).get("warnings")))
          .contains("device part: it is made of v, and both are LUNs");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void checkSaysIt() throws Exception {
    configuration("0 = v, 1 = part");
    try (ServerProcess check = new ServerProcess(folder, "check", "anabranch.conf")) {
      assertThat(check.await()).isZero();
      assertThat(check.errors()).contains("warning: device part: it is made of v, and both");
    }
  }
}
