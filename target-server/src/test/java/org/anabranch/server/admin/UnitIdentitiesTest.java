// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.config.source.FileSource;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.state.IdentityFile;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.storage.file.FileBackend;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class UnitIdentitiesTest {
  private static final String SERVER = "0123456789abcdef";
  private static final DiskNames CARRIED = new DiskNames("0123456789ab", "3123456789abcdef");

  @TempDir Path folder;

  @BeforeEach
  void makeImages() throws IOException {
    for (String image : new String[] {"a", "b", "c"}) {
      Files.write(folder.resolve(image + ".img"), new byte[4096]);
    }
  }

  private VolumeImage image(String file) {
    return new FileBackend()
        .image(
            new VolumeConfig(
                file, new FileSource(folder.resolve(file)), 0, 512, 4096, false, false));
  }

  private void needsAttributes() {
    assumeTrue(
        image("c.img").carry(CARRIED),
        "the folder for temporary files keeps no extended attributes");
  }

  private Configuration configuration(String volumes, String targets)
      throws IOException, InvalidConfigurationException {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(
        file,
        "anabranch { state-dir = state, volumes {"
            + volumes
            + "}, targets {"
            + targets
            + "}, devices { dev = \"0 8 zero\" } }");
    return ConfigurationFile.read(file);
  }

  private static String target(String name, String luns) {
    return "\"iqn.2026-11.org.example:" + name + "\" { luns { " + luns + " } }\n";
  }

  private final Set<String> leftOut = new TreeSet<>();

  private UnitIdentity identity(Configuration configuration, String device, boolean wasUsed)
      throws RefusedException, IOException {
    Path state = Files.createDirectories(folder.resolve("state"));
    UnitIdentities identities = new UnitIdentities(new IdentityFile(state), SERVER, wasUsed);
    identities.settle(configuration, leftOut::contains, new FileBackend()::image);
    return identities.of(configuration, device);
  }

  private UnitIdentity identity(String volumes, String device) throws Exception {
    return identity(configuration(volumes, target("one", "0 = " + device)), device, true);
  }

  private void loseTheStateDirectory() throws IOException {
    Files.delete(folder.resolve("state/identities"));
  }

  @Test
  void aVolumeKeepsItsNamesUnderAnotherTargetOrServer() throws Exception {
    needsAttributes();
    UnitIdentity first = identity("a { path = a.img }", "a");
    Configuration other = configuration("a { path = a.img }", target("two", "7 = a"));
    assertThat(identity(other, "a", true)).isEqualTo(first);
    loseTheStateDirectory();
    assertThat(identity(other, "a", false)).isEqualTo(first);
  }

  @Test
  void theImageTakesTheNamesToAVolumeOfAnotherName() throws Exception {
    needsAttributes();
    UnitIdentity first = identity("a { path = a.img }", "a");
    Files.move(folder.resolve("a.img"), folder.resolve("moved.img"));
    assertThat(identity("renamed { path = moved.img }", "renamed")).isEqualTo(first);
  }

  @Test
  void volumesThatChangeTheirNamesKeepTheirDisks() throws Exception {
    needsAttributes();
    String before = "a { path = a.img }, b { path = b.img }";
    UnitIdentity a = identity(before, "a");
    UnitIdentity b = identity(before, "b");
    String after = "a { path = b.img }, b { path = a.img }";
    assertThat(identity(after, "a")).isEqualTo(b);
    assertThat(identity(after, "b")).isEqualTo(a);
  }

  @Test
  void aCopyBesideItsOriginalGetsNamesOfItsOwn() throws Exception {
    needsAttributes();
    UnitIdentity original = identity("b { path = b.img }", "b");
    Files.copy(
        folder.resolve("b.img"), folder.resolve("copy.img"), StandardCopyOption.COPY_ATTRIBUTES);
    image("copy.img").carry(new DiskNames(original.serial(), original.naa().digits()));
    String both = "a { path = copy.img }, b { path = b.img }";
    UnitIdentity copy = identity(both, "a");
    assertThat(copy.serial()).isNotEqualTo(original.serial());
    assertThat(copy.naa()).isNotEqualTo(original.naa());
    assertThat(identity(both, "b")).isEqualTo(original);
    assertThat(identity(both, "a")).as("from now on").isEqualTo(copy);
    loseTheStateDirectory();
    assertThat(identity(both, "a")).as("its image has been marked").isEqualTo(copy);
  }

  @Test
  void aFileInThePlaceOfAVolumeThatIsLeftOutIsNeitherAskedNorMarked() throws Exception {
    needsAttributes();
    UnitIdentity first = identity("a { path = a.img }", "a");
    Path image = folder.resolve("a.img");
    Files.delete(image);
    Files.createFile(image);
    leftOut.add("a");
    assertThat(identity("a { path = a.img }", "a")).isEqualTo(first);
    assertThat(image("a.img").names()).isNull();
  }

  @Test
  void withoutAttributesTheStateDirectoryKeepsThem() throws Exception {
    Configuration readOnly =
        configuration("a { path = a.img, read-only = true }", target("one", "0 = a"));
    UnitIdentity first = identity(readOnly, "a", false);
    assertThat(image("a.img").names()).isNull();
    assertThat(identity(readOnly, "a", true)).isEqualTo(first);
  }

  @Test
  void theFirstStartAfterAnUpgradeKeepsWhatTheFirstTargetHasShown() throws Exception {
    Configuration configuration =
        configuration(
            "a { path = a.img }",
            target("one", "0 = a, 1 = \"a@s\", 2 = dev") + target("two", "0 = a"));
    for (String device : new String[] {"a", "a@s", "dev"}) {
      assertThat(identity(configuration, device, true))
          .isEqualTo(UnitIdentity.of(SERVER + " iqn.2026-11.org.example:one", device));
    }
    Configuration second = configuration("a { path = a.img }", target("two", "0 = a"));
    assertThat(identity(second, "a", true))
        .isEqualTo(UnitIdentity.of(SERVER + " iqn.2026-11.org.example:one", "a"));
  }

  @Test
  void aSnapshotHasNamesOfItsOwnThatStay() throws Exception {
    needsAttributes();
    String volumes = "a { path = a.img, serial = set }";
    UnitIdentity volume = identity(volumes, "a");
    UnitIdentity snapshot = identity(configuration(volumes, target("one", "0 = a")), "a@s", false);
    assertThat(snapshot.serial()).isNotIn(volume.serial(), volume.id());
    assertThat(snapshot.naa()).isNotEqualTo(volume.naa());
    loseTheStateDirectory();
    assertThat(identity(configuration(volumes, ""), "a@s", false)).isEqualTo(snapshot);
    assertThat(identity(configuration(volumes, ""), "a@t", false)).isNotEqualTo(snapshot);
  }

  @Test
  void whatIsSetIsShownAndTheRestStays() throws Exception {
    UnitIdentity own = identity("a { path = a.img }", "a");
    UnitIdentity set =
        identity(
            "a { path = a.img, serial = beaf11, naa = 60000000000000000E00000000010001,"
                + " vendor = IET, product = VIRTUAL-DISK, revision = 7 }",
            "a");
    assertThat(set.id()).isEqualTo(own.id());
    assertThat(set.serial() + " " + set.naa() + " " + set.vendor())
        .isEqualTo("beaf11 60000000000000000e00000000010001 IET");
    assertThat(set.product() + " " + set.revision()).isEqualTo("VIRTUAL-DISK 7");
    assertThat(identity("a { path = a.img }", "a")).isEqualTo(own);
  }

  @Test
  void aDamagedFileIsRefused() throws Exception {
    Path state = Files.createDirectories(folder.resolve("state"));
    Files.writeString(state.resolve("identities"), "no names\n");
    assertThatThrownBy(() -> new IdentityFile(state))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("identities is damaged");
  }
}
