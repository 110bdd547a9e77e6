// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import org.anabranch.config.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What works, and may not be what is meant. */
final class WarningTest {
  private static String warning(String text) throws Exception {
    List<Problem> warnings = Texts.parse(text).warnings();
    assertThat(warnings).hasSize(1);
    return warnings.getFirst().toString();
  }

  private static String target(String name) {
    return "anabranch { volumes { v { path = /x } }, targets {\n\""
        + name
        + "\" { luns { 0 = v } } } }";
  }

  @Test
  void aGoodFileHasNone() throws Exception {
    assertThat(Texts.parse(Texts.GOOD).warnings())
        .map(Problem::found)
        .allMatch(found -> found.startsWith("no LUN 0") || found.isEmpty());
  }

  /** Names that come from other software are kept. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          iqn.2016-01-com.example.tg1     | iqn. is followed by YYYY-MM.reversed.domain
          ru.oracle-dba:disk1             | its type is not iqn., eui. or naa.
          iqn.2026-11.org.example:my_disk | it has '_', which RFC 3722 does not allow
          iqn.2026-11.org.example:my disk | it has a blank, which RFC 3722 does not allow
          """)
  void aTargetsNameOutsideTheStandard(String name, String reason) throws Exception {
    assertThat(Texts.parse(target(name)).targets()).containsOnlyKeys(name);
    assertThat(warning(target(name)))
        .startsWith("test.conf:2: anabranch.targets.")
        .contains("not a standard iSCSI name: " + reason);
  }

  /** The same names that may log in can be configured. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "iqn.2008-11.org.linux-kvm:my_vm",
        "iqn.2008-11.org.linux-kvm:My VM",
        "client1",
        "debian*"
      })
  void anInitiatorsNameOutsideTheStandard(String name) throws Exception {
    assertThat(warning(Texts.withTarget("\"127.0.0.1\"", "initiators = \"" + name + "\"")))
        .contains(
            "initiators: \""
                + name.toLowerCase(java.util.Locale.ROOT)
                + "\" matches no standard name");
  }

  @Test
  void aUserForInitiatorsThatAreNotAdmitted() throws Exception {
    assertThat(
            warning(
                Texts.withTarget(
                    "\"127.0.0.1\"",
                    "initiators = \"iqn.2026-11.org.example:a\", chap { user = u, secret ="
                        + " \"0123456789abcdef\", initiators = \"iqn.2026-11.org.example:b\" }")))
        .contains("user u is for iqn.2026-11.org.example:b, which initiators does not admit");
  }

  @Test
  void aPortalWithoutTargets() throws Exception {
    assertThat(
            warning(
                Texts.withTarget(
                    "[\"127.0.0.1:1\", { listen = \"127.0.0.1:2\", group = 2 }]",
                    "portal-groups = 1")))
        .contains("no target is reached through portal 127.0.0.1:2");
  }

  @Test
  void noTargets() throws Exception {
    assertThat(warning("anabranch { volumes { v { path = /x } } }"))
        .contains("anabranch.targets: there are none: no initiator can log in");
  }

  /** LUNs can be added at run time. */
  @ParameterizedTest
  @ValueSource(strings = {"", "luns { }"})
  void aTargetWithoutLuns(String luns) throws Exception {
    String name = "iqn.2026-11.org.example:t";
    String text = "anabranch { targets {\n\"" + name + "\" { " + luns + " } } }";
    assertThat(Objects.requireNonNull(Texts.parse(text).targets().get(name)).luns()).isEmpty();
    assertThat(warning(text))
        .startsWith("test.conf:2: anabranch.targets.")
        .contains("no LUNs: initiators that log in find no disk here");
  }

  @Test
  void aVolumeThatTwoHostsCanWrite() throws Exception {
    String two =
        """
        anabranch { volumes { v { path = /x } }, targets {
          "iqn.2026-11.org.example:a" { luns { 0 = v } }
          "iqn.2026-11.org.example:b" { luns { 0 { device = v, read-only = %s } } }
        } }
        """;
    assertThat(warning(two.formatted("false")))
        .contains(
            "v can be written through LUN 0 of iqn.2026-11.org.example:a and LUN 0 of"
                + " iqn.2026-11.org.example:b: only a cluster file system survives");
    assertThat(Texts.parse(two.formatted("true")).warnings()).isEmpty();
  }

  @Test
  void aSecretThatEverybodyCanRead(@TempDir Path folder) throws Exception {
    String target = "chap { user = u, secret = \"0123456789abcdef\" }";
    Path file =
        Files.writeString(folder.resolve("a.conf"), Texts.withTarget("\"127.0.0.1\"", target));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThat(ConfigurationFile.read(file).warnings().toString())
        .contains("every user of this machine can read it: chmod o-r " + file);
    Path main = Files.writeString(folder.resolve("main.conf"), "include \"a*.conf\"\n");
    assertThat(ConfigurationFile.read(main).warnings().toString())
        .as("in a file that is included")
        .contains("chmod o-r " + file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    assertThat(ConfigurationFile.read(file).warnings().toString())
        .contains("every member of group ", " can read it: chmod g-r " + file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    assertThat(ConfigurationFile.read(file).warnings()).isEmpty();
    Files.writeString(
        file, Texts.withTarget("\"127.0.0.1\"", target.replaceFirst("\"01.*f\"", "\\${PATH}")));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThat(ConfigurationFile.read(file).warnings()).isEmpty();
  }
}
