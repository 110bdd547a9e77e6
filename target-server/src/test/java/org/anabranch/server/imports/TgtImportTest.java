// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** targets.conf in all its forms. What tgtd itself makes of them is compared in TgtHostTest. */
final class TgtImportTest {
  private static final String NAME = "iqn.2026-11.org.example:";

  @TempDir private Path folder;

  private ImportedConfiguration read(String text) throws Exception {
    ImportedConfiguration imported =
        TgtImport.read(Files.writeString(folder.resolve("targets.conf"), text));
    String written = ConfigurationWriter.write(imported, new SecretOutput(null));
    assertThat(ConfigurationFile.parse("written", written, folder).targets())
        .as(written)
        .hasSize(imported.targets().size());
    return imported;
  }

  private static TargetConfig only(ImportedConfiguration imported) {
    assertThat(imported.targets()).hasSize(1);
    return imported.targets().getFirst();
  }

  private static String target(String... lines) {
    return "<target " + NAME + "t>\n" + String.join("\n", lines) + "\n</target>\n";
  }

  private static String losses(ImportedConfiguration imported) {
    return String.join("\n", imported.losses().stream().map(Losses.Loss::toString).toList());
  }

  private static String luns(ImportedConfiguration imported, TargetConfig target) {
    StringBuilder text = new StringBuilder();
    for (LunConfig lun : target.luns().values()) {
      String path =
          imported.volumes().stream()
              .filter(volume -> volume.name().equals(lun.device()))
              .map(ImportedVolume::path)
              .findFirst()
              .orElse("");
      text.append(lun.number()).append('=').append(path).append(' ');
    }
    return text.toString().strip();
  }

  /** By paths, backing-stores before direct-stores, and past the numbers that blocks ask for. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          backing-store /c;backing-store /a;backing-store /b            | 1=/a 2=/b 3=/c
          direct-store /a;backing-store /b;direct-store /c              | 1=/b 2=/a 3=/c
          backing-store /a;lun 10                                       | 10=/a
          <backing-store /a>;lun 0;</backing-store>                     | 0=/a
          <backing-store /a>;</backing-store>;<backing-store /b>;lun 1;</backing-store> | 1=/b 2=/a
          <direct-store /a>;lun 1;</direct-store>;<backing-store /b>;</backing-store>   | 1=/a 2=/b
          """)
  void theNumbersOfLuns(String lines, String expected) throws Exception {
    ImportedConfiguration imported = read(target(lines.split(";")));
    assertThat(luns(imported, only(imported))).isEqualTo(expected);
  }

  @Test
  void whatADiskIsCalledWithoutSettings() throws Exception {
    ImportedConfiguration imported =
        read(
            "<target "
                + NAME
                + "b>\n backing-store /b\n</target>\n<target "
                + NAME
                + "a>\n backing-store /a\n controller_tid 10\n</target>\n");
    ImportedVolume a = imported.volumes().getFirst();
    assertThat(a.identity().serial()).isEqualTo("beaf101");
    assertThat(a.identity().naa()).isEqualTo("60000000000000000e000000000a0001");
    assertThat(a.identity().t10()).isEqualTo("IET     000a0001");
    assertThat(a.identity().vendor()).isEqualTo("IET");
    assertThat(a.identity().product()).isEqualTo("VIRTUAL-DISK");
    assertThat(a.identity().revision()).isEqualTo("0001");
    assertThat(imported.volumes().getLast().identity().serial()).as("goes on").isEqualTo("beaf111");
  }

  @Test
  void settingsOfTheTargetAndOfABlockAndOfParams() throws Exception {
    ImportedConfiguration imported =
        read(
            target(
                "vendor_id ACME",
                "write-cache off",
                "readonly 1",
                "<backing-store /srv/one.img>",
                "  vendor_id \"Other\"",
                "  scsi_sn S1",
                "  readonly 0",
                "  block-size 4096",
                "  params product_id=P1,thin_provisioning=1,element_type=4",
                "</backing-store>",
                "<backing-store /srv/two.img>",
                "  lbppbe 3",
                "  removable 1",
                "  scsi_id 6001405aabbccddee00112233445566ff",
                "</backing-store>"));
    ImportedVolume one = imported.volumes().getFirst();
    ImportedVolume two = imported.volumes().getLast();
    assertThat(one.name()).isEqualTo("one");
    assertThat(one.identity().vendor()).isEqualTo("Other");
    assertThat(one.identity().serial()).isEqualTo("S1");
    assertThat(one.identity().product()).isEqualTo("P1");
    assertThat(one.readOnly()).isFalse();
    assertThat(one.blockSize()).isEqualTo(4096);
    assertThat(two.identity().vendor()).isEqualTo("ACME");
    assertThat(two.identity().naa())
        .as("its last 31 digits")
        .isEqualTo("6001405aabbccddee00112233445566ff".substring(1).replaceFirst("^.", "6"));
    assertThat(two.readOnly()).isTrue();
    assertThat(two.removable()).isTrue();
    assertThat(two.physicalBlockSize()).isEqualTo(4096);
    assertThat(losses(imported))
        .contains("targets.conf:3: write-cache off has no counterpart")
        .contains("targets.conf:10: params element_type=4 has no counterpart")
        .doesNotContain("thin_provisioning");
  }

  /** Sorted by name, the read-only one comes first. */
  @Test
  void aFileOfTwoTargetsCanBeWrittenThroughTheOneThatCould() throws Exception {
    ImportedConfiguration imported =
        read(
            "<target "
                + NAME
                + "z>\n backing-store /a\n</target>\n<target "
                + NAME
                + "a>\n <backing-store /a>\n  readonly 1\n  block-size 4096\n </backing-store>\n</target>\n");
    assertThat(imported.volumes()).hasSize(1);
    assertThat(imported.volumes().getFirst().readOnly()).isFalse();
    assertThat(imported.targets())
        .map(target -> target.luns().get(1))
        .map(lun -> lun != null && lun.readOnly())
        .containsExactly(true, false);
    assertThat(losses(imported))
        .contains(
            "/a is a LUN of another target, too, under another identity and with blocks of 4096"
                + " bytes, not of 512");
  }

  @Test
  void whoMayLogIn() throws Exception {
    ImportedConfiguration imported =
        read(
            target(
                "backing-store /a",
                "initiator-address 192.0.2.1",
                "initiator-address 192.0.2.128/25",
                "initiator-name iqn.1993-08.org.debian:01:a",
                "incominguser one secretpass12",
                "incominguser two secretpass34",
                "outgoinguser us secretpass56"));
    TargetConfig target = only(imported);
    assertThat(target.access().addresses())
        .map(Object::toString)
        .containsExactly("192.0.2.1/32", "192.0.2.128/25");
    assertThat(target.access().initiators())
        .map(Object::toString)
        .containsExactly("iqn.1993-08.org.debian:01:a");
    assertThat(target.openToAnyone()).isFalse();
    assertThat(target.chap()).map(ChapConfig::user).containsExactly("one", "two");
    assertThat(target.chap().getFirst().secret()).isEqualTo(new Secret("secretpass12"));
    assertThat(target.chap())
        .allMatch(
            user -> new ChapConfig.Mutual("us", new Secret("secretpass56")).equals(user.mutual()));
  }

  @Test
  void anOpenTargetStaysOpenAndIsSaidToBe() throws Exception {
    ImportedConfiguration imported = read(target("backing-store /a", "initiator-address ALL"));
    assertThat(only(imported).openToAnyone()).isTrue();
    assertThat(losses(imported)).contains("t is open to everybody, as it was");
  }

  /** What cannot be kept does not open the target to others. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "incominguser u short",
        "incominguser u PLEASE_CORRECT_THE_PASSWORD",
        "incominguser u",
        "initiator-name a,b",
        "initiator-address storage.example.org"
      })
  void whatCannotBeKeptOpensNothing(String line) throws Exception {
    ImportedConfiguration imported = read(target("backing-store /a", line));
    TargetConfig target = only(imported);
    assertThat(
            target.chap().isEmpty()
                && target.access().initiators().isEmpty()
                && target.access().addresses().isEmpty())
        .isFalse();
    assertThat(imported.losses())
        .anyMatch(loss ->
            loss.toString().contains("left out")
                || loss.what().startsWith("the secret of user u "));
    assertThat(losses(imported)).doesNotContain("short ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          <backing-store /a>;device-type tape;</backing-store>   | LUN 1 is left out: device-type tape
          <backing-store pool/image>;bs-type rbd;</backing-store> | LUN 1 is left out: bs-type rbd
          <backing-store /a>;block-size 2048;</backing-store>    | LUN 1 is left out: block-size 2048
          backing-store NONE:                                     | it is no absolute path
          """)
  void whatCannotBeServed(String lines, String reason) throws Exception {
    ImportedConfiguration imported = read(target(lines.split(";")));
    assertThat(imported.targets()).isEmpty();
    assertThat(losses(imported))
        .contains(reason, "target " + NAME + "t is left out: it has no LUN");
  }

  @Test
  void otherTransportsAndUnknownOptionsAreListed() throws Exception {
    ImportedConfiguration imported =
        read(
            "iSNS On\n"
                + target("backing-store /a", "MaxBurstLength 262144", "frobnicate 1")
                + "<target "
                + NAME
                + "i>\n driver iser\n backing-store /b\n</target>\n");
    assertThat(losses(imported))
        .contains("targets.conf:1: iSNS has no counterpart")
        .contains("targets.conf:4: MaxBurstLength has no counterpart in a target")
        .contains("targets.conf:5: frobnicate has no counterpart")
        .contains("i is left out: driver iser");
  }

  @Test
  void includesCommentsContinuationsAndQuotes() throws Exception {
    Path conf = Files.createDirectory(folder.resolve("conf.d"));
    Files.writeString(
        conf.resolve("b.conf"), "<target " + NAME + "b>\n backing-store /b\n</target>\n");
    Files.writeString(
        conf.resolve("a.conf"), "<target " + NAME + "a>\n backing-store /a\n</target>\n");
    Files.writeString(
        conf.resolve("c.off"), "<target " + NAME + "c>\n backing-store /c\n</target>\n");
    ImportedConfiguration imported =
        read(
            "include "
                + conf
                + "/*.conf\ninclude /no/such/folder/*.conf\n"
                + "/* a comment\n over lines */\ndefault-driver iscsi # here\n"
                + "incomingdiscoveryuser finder secretpass78\n"
                + "<target \""
                + NAME
                + "q\">\n  backing-store = \"/with blank\" # a comment\n"
                + "  initiator-name \\\n    iqn.2026-11.org.example:host\n</target>\n");
    assertThat(imported.targets())
        .map(TargetConfig::name)
        .containsExactly(NAME + "a", NAME + "b", NAME + "q");
    assertThat(imported.volumes().getLast().path()).isEqualTo("/with blank");
    assertThat(imported.volumes().getLast().name()).isEqualTo("with-blank");
    assertThat(imported.targets().getLast().access().initiators()).hasSize(1);
    assertThat(imported.discovery()).map(ChapConfig::user).containsExactly("finder");
    assertThat(losses(imported)).contains("include /no/such/folder/*.conf: no such folder");
  }

  /** Hosts would take two disks of one serial for one. */
  @Test
  void oneSerialForTwoDisksIsNotKept() throws Exception {
    ImportedConfiguration imported =
        read(target("scsi_sn same", "backing-store /a", "backing-store /b"));
    assertThat(imported.volumes())
        .map(volume -> volume.identity().serial())
        .containsExactly("same", null);
    assertThat(losses(imported)).contains("serial same is /a's, too");
  }

  @Test
  void oneFileBehindTwoTargetsIsOneVolume() throws Exception {
    ImportedConfiguration imported =
        read(
            "<target "
                + NAME
                + "a>\n backing-store /x\n</target>\n<target "
                + NAME
                + "b>\n backing-store /x\n</target>\n");
    assertThat(imported.volumes()).hasSize(1);
    assertThat(losses(imported))
        .contains("/x is a LUN of another target, too, under another identity");
  }

  @ParameterizedTest
  @ValueSource(strings = {"<target x>\n", "</target>\n", "<target x\n", "<target x>\n</store>\n"})
  void anotherSyntaxIsRefusedWithItsPlace(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("targets.conf"), text);
    assertThatThrownBy(() -> TgtImport.read(file))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("targets.conf:");
  }

  @Test
  void aFileThatIncludesItselfIsRefused() throws IOException {
    Path file = folder.resolve("targets.conf");
    Files.writeString(file, "include " + file + "\n");
    assertThatThrownBy(() -> TgtImport.read(file)).hasMessageContaining("too many files");
  }

  @Test
  void secretsGoIntoFilesThatOnlyTheirOwnerReads() throws Exception {
    ImportedConfiguration imported =
        TgtImport.read(
            Files.writeString(
                folder.resolve("t.conf"),
                target(
                    "backing-store /a",
                    "incominguser one secretpass12",
                    "outgoinguser us secretpass56")));
    Path secrets = folder.resolve("secrets");
    String text = ConfigurationWriter.write(imported, new SecretOutput(secrets));
    assertThat(text).doesNotContain("secretpass", "keep it in a file");
    assertThat(ConfigurationFile.parse("written", text, folder).targets().get(NAME + "t"))
        .extracting(TargetConfig::chap)
        .isEqualTo(only(imported).chap());
    try (var files = Files.list(secrets)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(2);
      for (Path file : all) {
        assertThat(Files.getPosixFilePermissions(file)).as(file.toString()).hasSize(2);
      }
    }
    assertThat(ConfigurationWriter.write(imported, new SecretOutput(secrets)))
        .as("again")
        .isEqualTo(text);
    Files.writeString(
        secrets.resolve(NAME.replace(':', '-') + "t-one.secret"), "another one 123\n");
    assertThatThrownBy(() -> ConfigurationWriter.write(imported, new SecretOutput(secrets)))
        .hasMessageContaining("exists with another secret");
  }
}
