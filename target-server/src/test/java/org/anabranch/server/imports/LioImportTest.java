// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** saveconfig.json, as targetcli writes it. */
final class LioImportTest {
  private static final String VMS = "iqn.2003-01.org.example.storage:vms";
  private static final String OPEN = "iqn.2003-01.org.example.storage:open";

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void copy() throws Exception {
    file = folder.resolve("saveconfig.json");
    try (var in =
        Objects.requireNonNull(getClass().getResourceAsStream("/imports/saveconfig.json"))) {
      Files.copy(in, file);
    }
  }

  private Configuration read() throws Exception {
    String text = ConfigurationWriter.write(LioImport.read(file), new SecretOutput(null));
    return ConfigurationFile.parse("written", text, folder);
  }

  private String losses() throws Exception {
    return String.join(
        "\n", LioImport.read(file).losses().stream().map(Losses.Loss::toString).toList());
  }

  private void edit(String from, String to) throws Exception {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  @Test
  void disksKeepWhatHostsKnowThemBy() throws Exception {
    Configuration configuration = read();
    assertThat(configuration.volumes().keySet()).containsExactly("disk", "vm1", "vm2-disk");
    VolumeConfig vm1 = Objects.requireNonNull(configuration.volumes().get("vm1"));
    assertThat(vm1.source().address()).isEqualTo("/dev/vg0/vm1");
    assertThat(vm1.identity())
        .isEqualTo(
            new IdentityConfig(
                "0f3a2b1c-4d5e-4f60-8a9b-0c1d2e3f4a5b",
                "60014050f3a2b1c4d5e4f608a9b0c1d2",
                "LIO-ORG",
                "vm1",
                "4.0",
                "LIO-ORG vm1:0f3a2b1c-4d5e-4f60-8a9b-0c1d2e3f4a5b"));
    VolumeConfig vm2 = Objects.requireNonNull(configuration.volumes().get("vm2-disk"));
    assertThat(vm2.blockSize()).isEqualTo(4096);
    assertThat(vm2.sectors()).isEqualTo(16777216);
    assertThat(vm2.identity().product()).as("without emulate_model_alias").isEqualTo("FILEIO");
    assertThat(configuration.volumes().get("disk"))
        .as("pscsi: the disk's own, which are not in the file")
        .extracting(VolumeConfig::identity)
        .isEqualTo(IdentityConfig.NONE);
  }

  /** A serial that is shorter is filled with zeros, and only its hexadecimal digits count. */
  @ParameterizedTest
  @CsvSource({
    "abc,                                  6001405abc0000000000000000000000",
    "xyz-ABC-1,                            6001405abc1000000000000000000000",
    "0123456789abcdef0123456789abcdef0123, 60014050123456789abcdef012345678"
  })
  void theWwidOfOtherSerials(String serial, String naa) throws Exception {
    edit("0f3a2b1c-4d5e-4f60-8a9b-0c1d2e3f4a5b", serial);
    assertThat(Objects.requireNonNull(read().volumes().get("vm1")).identity().naa()).isEqualTo(naa);
  }

  @Test
  void targetsKeepUsersAndMasks() throws Exception {
    TargetConfig vms = Objects.requireNonNull(read().targets().get(VMS));
    assertThat(vms.access().initiators())
        .map(Object::toString)
        .containsExactly("iqn.1994-05.com.redhat:host1", "iqn.1994-05.com.redhat:host2");
    assertThat(vms.chap()).map(ChapConfig::user).containsExactly("host1", "host2");
    ChapConfig host1 = vms.chap().getFirst();
    assertThat(host1.secret()).isEqualTo(new Secret("secretpass12"));
    assertThat(host1.mutual())
        .isEqualTo(new ChapConfig.Mutual("storage", new Secret("secretpass34")));
    assertThat(host1.initiators())
        .map(Object::toString)
        .containsExactly("iqn.1994-05.com.redhat:host1");
    assertThat(vms.luns().values())
        .map(lun ->
            lun.number() + " " + lun.device() + (lun.readOnly() ? " ro " : " ") + lun.initiators())
        .containsExactly(
            "0 vm1 [iqn.1994-05.com.redhat:host1]",
            "1 vm2-disk [iqn.1994-05.com.redhat:host2]",
            "5 vm2-disk ro [iqn.1994-05.com.redhat:host1]");
    assertThat(losses())
        .contains(
            "LUN 0 (vm2-disk) of iqn.1994-05.com.redhat:host2 becomes LUN 1: a number is one volume");
    assertThat(read().discovery().chap()).map(ChapConfig::user).containsExactly("finder");
  }

  @Test
  void portalsBelongToTheTargetsThatHadThem() throws Exception {
    Configuration configuration = read();
    assertThat(configuration.portals())
        .map(portal -> portal + " " + portal.group())
        .containsExactly("192.0.2.1:3260 1", "[2001:db8:0:0:0:0:0:1]:3260 2", "192.0.2.2:3261 3");
    assertThat(Objects.requireNonNull(configuration.targets().get(VMS)).portalGroups())
        .containsExactly(1, 2);
    assertThat(Objects.requireNonNull(configuration.targets().get(OPEN)).portalGroups())
        .containsExactly(1, 3);
  }

  @Test
  void whatHasNoCounterpartIsListed() throws Exception {
    TargetConfig open = Objects.requireNonNull(read().targets().get(OPEN));
    assertThat(open.openToAnyone()).isTrue();
    assertThat(open.luns().get(0)).as("demo_mode_write_protect").matches(lun -> lun.readOnly());
    assertThat(losses())
        .contains("/backstores/ramdisk/scratch: it is left out: a ramdisk has no file")
        .contains("/backstores/user/pool: it is left out: plugin user (rbd/pool/image)")
        .contains("LUN 2 is left out: /backstores/ramdisk/scratch")
        .contains("/backstores/pscsi/disk: pscsi passes commands to the disk itself")
        .contains("/backstores/block/vm1: write_back false has no counterpart")
        .contains("ALUA group standby has no counterpart")
        .contains("portal group 2 is left out: it is disabled")
        .contains("open: it is open to everybody, as it was")
        .contains("naa.5001405aaaaaaaaa: it is left out: fabric loopback");
  }

  /** Then LIO lets in who proves nothing: here the user must be proven, and the list says so. */
  @Test
  void usersStayWhereLioDoesNotAskForThem() throws Exception {
    edit("\"authentication\": 1", "\"authentication\": 0");
    assertThat(Objects.requireNonNull(read().targets().get(VMS)).chap()).hasSize(2);
    assertThat(losses()).contains("authentication is 0", "CHAP user host1 must be proven");
    edit("\"authentication\": -1", "\"authentication\": 1");
    assertThat(losses()).doesNotContain("CHAP user host1").contains("CHAP user host2");
  }

  @Test
  void oneSerialForTwoDisksIsNotKept() throws Exception {
    edit("12345678-9abc-4def-8123-456789abcdef", "0f3a2b1c-4d5e-4f60-8a9b-0c1d2e3f4a5b");
    assertThat(Objects.requireNonNull(read().volumes().get("vm2-disk")).identity().serial())
        .isNull();
    assertThat(losses()).contains("is /dev/vg0/vm1's, too");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{\"targets\": []}", "{\"storage_objects\": [}"})
  void anotherFileIsRefused(String text) throws Exception {
    Files.writeString(file, text);
    assertThatThrownBy(() -> LioImport.read(file))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("is no saveconfig.json");
  }

  /** Values of other kinds than expected, as people who edit the file by hand write them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "enable": true          | "enable": "true"
          "index": 0              | "index": "0"
          "authentication": 1     | "authentication": "1"
          "portals": [            | "portals": null, "x": [
          "node_acls": [],        | "node_acls": "none",
          "mapped_luns": [        | "mapped_luns": [ 3,
          "attributes": { "block_size": 512 | "attributes": [], "x": { "block_size": 512
          """)
  void otherKindsOfValues(String from, String to) throws Exception {
    edit(from, to);
    assertThat(read().targets()).isNotEmpty();
  }
}
