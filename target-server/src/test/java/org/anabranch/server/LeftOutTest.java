// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.serve.Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What is missing, damaged or replaced is left out by name; the rest is served. */
@Timeout(120)
final class LeftOutTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String LUNS =
      "targets { \"" + TARGET + "\" { luns { 0 = vm1, 1 = \"vm1@a\", 2 = vm2, 3 = half } } }\n";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
      devices { half = "0 1024 linear vm1 0" }
      """
          + LUNS;

  @TempDir private Path folder;
  private Site site;
  private final Initiator initiator = new Initiator();
  private Server server;

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // start() sets the server
  void serveAndTakeASnapshot() throws Exception {
    site = new Site(folder);
    start(CONFIGURATION);
    write(0, 1);
    write(2, 9);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    write(0, 2);
    server.close();
  }

  @AfterEach
  void close() {
    server.close();
    initiator.close();
  }

  private void start(String text) throws Exception {
    start(text, Server.Strictness.WHAT_IS_WHOLE);
  }

  private void start(String text, Server.Strictness strictness) throws Exception {
    site.configure(text);
    server =
        Server.start(
            ConfigurationFile.read(site.configuration),
            () -> ConfigurationFile.read(site.configuration),
            strictness);
  }

  private Site.Host host() throws Exception {
    return Site.Host.logIn(initiator, server.portals().getFirst(), SessionOptions.normal(TARGET));
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void write(int lun, int value) throws Exception {
    Disk disk = host().disk(lun);
    Initiator.await(disk.write(0, block(value)), 30);
  }

  private int read(int lun) throws Exception {
    return Initiator.await(host().disk(lun).read(0, 8), 30).rewind().get();
  }

  /** All but the one of the configuration, which has half and vm1 as LUNs. */
  private List<String> warnings() throws Exception {
    return site.ask("status", Map.of()).get("warnings") instanceof List<?> list
        ? list.stream()
            .map(String::valueOf)
            .filter(warning -> !warning.contains("both are LUNs"))
            .toList()
        : List.of();
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private Path store() {
    return file("state/cow/vm1@a.cow");
  }

  private void isServedAgain() throws Exception {
    assertThat(host().luns()).containsExactly(0, 1, 2, 3);
    assertThat(read(0)).isEqualTo(2);
    assertThat(read(1)).as("the snapshot").isEqualTo(1);
    assertThat(read(3)).as("the device on it").isEqualTo(2);
    assertThat(warnings()).isEmpty();
  }

  private void isLeftOut(String reason) throws Exception {
    assertThat(host().luns()).containsExactly(2);
    assertThat(read(2)).isEqualTo(9);
    assertThat(warnings().getFirst()).startsWith("device half: it is not served: it stands on vm1");
    assertThat(warnings().get(1)).startsWith("volume vm1: it is not served: ").contains(reason);
    assertThat(warnings()).as("it is configured").hasSize(2);
    assertThat(site.refusal("snapshot diff", Map.of("name", "vm1@a"))).contains(reason);
    assertThat(site.ask("volume list", Map.of()).toString()).contains("left-out");
    assertThat(site.refusal("volume retry", Map.of("volume", "vm1"))).contains(reason);
    assertThat(site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 2 << 20)))
        .contains(reason);
    assertThat(site.refusal("snapshot create", Map.of("volume", "vm1", "name", "b")))
        .contains(reason);
  }

  @Test
  void aMissingFileIsNotMadeAnewUnderSnapshots() throws Exception {
    Files.move(file("vm1.img"), file("away"));
    start(CONFIGURATION);
    isLeftOut(
        "its image " + file("vm1.img") + " is missing, which snapshots were taken of (vm1@a)");
    assertThat(file("vm1.img")).doesNotExist();
    assertThat(site.refusal("volume adopt", Map.of("volume", "vm1")))
        .contains("an empty one cannot stand below its snapshots (vm1@a)");
    Files.move(file("away"), file("vm1.img"));
    assertThat(site.ask("volume retry", Map.of("volume", "vm1")).toString())
        .contains("device half is served again", "volume vm1 is served again");
    isServedAgain();
  }

  @Test
  void aMissingFileWithoutSnapshotsIsMadeAnewWhenThatIsSaid() throws Exception {
    Files.delete(file("vm2.img"));
    start(CONFIGURATION);
    assertThat(host().luns()).containsExactly(0, 1, 3);
    assertThat(warnings().getFirst()).contains("vm2.img is missing, which was served before");
    site.ask("volume adopt", Map.of("volume", "vm2"));
    assertThat(read(2)).isZero();
    assertThat(warnings()).isEmpty();
  }

  @Test
  void anotherFileIsNotServedUnderSnapshots() throws Exception {
    Files.move(file("vm1.img"), file("away"));
    Files.copy(file("away"), file("vm1.img"));
    start(CONFIGURATION);
    isLeftOut("is not the one that was served there before");
    site.ask("volume adopt", Map.of("volume", "vm1"));
    isServedAgain();
    server.close();
    start(CONFIGURATION);
    isServedAgain();
  }

  @Test
  void aFileThatWasMovedOrCopiedWithItsAttributesIsKnown() throws Exception {
    Files.copy(file("vm1.img"), file("copy"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.move(file("copy"), file("vm1.img"), StandardCopyOption.REPLACE_EXISTING);
    start(CONFIGURATION);
    isServedAgain();
    server.close();
    Files.move(file("vm1.img"), file("moved.img"));
    start(CONFIGURATION.replace("vm1.img", "moved.img"));
    isServedAgain();
  }

  @Test
  void aReloadBringsBackWhatWasPutRightInTheConfiguration() throws Exception {
    Files.move(file("vm1.img"), file("moved.img"));
    start(CONFIGURATION);
    isLeftOut("is missing");
    site.configure(CONFIGURATION.replace("vm1.img", "moved.img"));
    assertThat(site.ask("reload", Map.of()).toString()).contains("volume vm1 is served again");
    isServedAgain();
  }

  @Test
  void aReloadWorksWhileSomethingIsLeftOut() throws Exception {
    Files.move(file("vm1.img"), file("away"));
    start(CONFIGURATION);
    site.configure(
        CONFIGURATION.replace("volumes {", "volumes { vm3 { path = v3, size = 1 MiB },"));
    assertThat(site.ask("reload", Map.of()).toString()).contains("volume vm3 added");
    isLeftOut("is missing");
    site.configure(
        """
        volumes { vm2 { path = vm2.img } }
        targets { "%s" { luns { 2 = vm2 } } }
        """
            .formatted(TARGET));
    site.ask("reload", Map.of());
    assertThat(warnings()).noneMatch(warning -> warning.startsWith("volume vm1: "));
  }

  @Test
  void aFileThatWasCutIsNotFilledUpWithZeros() throws Exception {
    cut(file("vm1.img"), 512 << 10);
    cut(file("vm2.img"), 4096);
    start(CONFIGURATION);
    assertThat(host().luns()).isEmpty();
    assertThat(String.join("\n", warnings()))
        .contains("vm1.img has 524288 bytes, and had 1048576 before")
        .contains("vm2.img has 4096 bytes, and had 1048576 before");
    assertThat(site.refusal("volume adopt", Map.of("volume", "vm1")))
        .contains("too little for snapshot vm1@a");
    site.ask("volume adopt", Map.of("volume", "vm2"));
    assertThat(read(2)).isEqualTo(9);
  }

  private static void cut(Path file, long bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(bytes);
    }
  }

  @Test
  void aVolumeIsNotServedWithoutItsSnapshots() throws Exception {
    Files.move(store(), file("away"));
    start(CONFIGURATION);
    isLeftOut("its snapshot vm1@a cannot be activated, and would be destroyed");
    assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a")))
        .contains("--force gives the snapshot up");
    Files.move(file("away"), store());
    site.ask("volume retry", Map.of());
    isServedAgain();
    server.close();

    Files.delete(store());
    start(CONFIGURATION);
    site.ask("snapshot remove", Map.of("name", "vm1@a", "force", true));
    site.ask("volume retry", Map.of());
    assertThat(host().luns()).containsExactly(0, 2, 3);
    assertThat(read(0)).isEqualTo(2);
    assertThat(warnings()).isEmpty();
  }

  @Test
  void aVolumeWhoseSnapshotsAreNotKnownAnyMoreIsNotServed() throws Exception {
    Files.move(file("state/state.json"), file("away"));
    assertThat(check(1)).contains("would be left out: volume vm1: there are stores of snapshots");
    start(CONFIGURATION);
    assertThat(host().luns()).containsExactly(2);
    assertThat(warnings()).hasSize(2);
    assertThat(warnings().get(1))
        .startsWith("volume vm1: it is not served: there are stores of snapshots of it")
        .contains("(vm1@a)", "put its state.json back", "snapshot remove --force vm1@a");
    assertThat(site.refusal("volume retry", Map.of("volume", "vm1"))).contains("(vm1@a)");
    server.close();
    Files.move(file("away"), file("state/state.json"), StandardCopyOption.REPLACE_EXISTING);
    start(CONFIGURATION);
    isServedAgain();
  }

  @Test
  void aSnapshotThatIsNotKnownAnyMoreIsGivenUp() throws Exception {
    Files.delete(file("state/state.json"));
    start(CONFIGURATION);
    assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a"))).contains("vm1@a");
    assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@b", "force", true)))
        .contains("vm1@b");
    site.ask("snapshot remove", Map.of("name", "vm1@a", "force", true));
    assertThat(store()).doesNotExist();
    assertThat(site.ask("volume retry", Map.of("volume", "vm1")).toString())
        .contains("volume vm1 is served again");
    assertThat(host().luns()).containsExactly(0, 2, 3);
    assertThat(read(0)).isEqualTo(2);
    assertThat(warnings()).isEmpty();
  }

  @Test
  void aFileThatIsNoStoreOfAVolumeIsAWarning() throws Exception {
    Files.createFile(file("state/cow/notes.txt"));
    start(CONFIGURATION);
    assertThat(warnings())
        .singleElement()
        .asString()
        .contains("files that belong to no snapshot, such as notes.txt: 1 in all");
  }

  @Test
  void snapshotsOfAVolumeThatIsLeftOutAreNotReady() throws Exception {
    start(CONFIGURATION);
    assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=ready");
    server.close();
    Files.move(file("vm1.img"), file("away"));
    start(CONFIGURATION);
    assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=left-out");
    assertThat(String.valueOf(site.ask("status", Map.of()).get("snapshots")))
        .contains("phase=left-out");
  }

  @Test
  void aReloadAddsAVolumeWithTheSnapshotsThatItHas() throws Exception {
    String without =
        """
        volumes { vm2 { path = vm2.img } }
        targets { "%s" { luns { 2 = vm2 } } }
        """
            .formatted(TARGET);
    start(without);
    assertThat(host().luns()).containsExactly(2);
    site.configure(CONFIGURATION.replace("linear vm1", "linaer vm1"));
    assertThat(site.refusal("reload", Map.of())).contains("linaer");
    assertThat(site.ask("volume list", Map.of()).toString()).doesNotContain("vm1");
    site.configure(CONFIGURATION);
    assertThat(site.ask("reload", Map.of()).toString())
        .contains("volume vm1 is served again", "device half is served again");
    isServedAgain();
    assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=ready");
  }

  @Test
  void aStoreWhoseHeaderIsGoneIsNotANewStore() throws Exception {
    try (FileChannel channel = FileChannel.open(store(), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(512), 0);
    }
    byte[] damaged = Files.readAllBytes(store());
    start(CONFIGURATION);
    isLeftOut("has no header any more: it reads as zeros");
    assertThat(store()).hasBinaryContent(damaged);
    cut(store(), 0);
    assertThat(site.refusal("volume retry", Map.of("volume", "vm1"))).contains("is empty");
  }

  @Test
  void theStoreOfAnotherSnapshotIsNoticedByItsChunks() throws Exception {
    start(CONFIGURATION);
    site.ask("snapshot create", Map.of("volume", "vm2", "name", "b", "chunk-sectors", 256));
    server.close();
    Files.write(store(), Files.readAllBytes(file("state/cow/vm2@b.cow")));
    assertThat(check(1)).contains("vm1@a.cow is the store of another snapshot");
    start(CONFIGURATION);
    isLeftOut("is the store of another snapshot: it has chunks of 256 sectors, not of ");
  }

  @Test
  void checkTellsWhatWouldBeLeftOut() throws Exception {
    assertThat(check(0)).doesNotContain("would be left out");
    start(CONFIGURATION);
    assertThat(check(0)).as("while a server runs").doesNotContain("would be left out");
    server.close();
    Files.copy(store(), file("whole"));
    cut(store(), 16 << 10);
    assertThat(check(1)).contains("would be left out: volume vm1: its snapshot vm1@a cannot be");
    start(CONFIGURATION);
    isLeftOut("its snapshot vm1@a cannot be activated");
    assertThat(check(1)).contains("would be left out: volume vm1: its snapshot vm1@a cannot be");
    Files.copy(file("whole"), store(), StandardCopyOption.REPLACE_EXISTING);
    Files.delete(file("vm2.img"));
    assertThat(check(1)).contains("would be left out: volume vm2: its image");
  }

  private String check(int status) {
    StringWriter err = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(new StringWriter(), true));
    command.setErr(new PrintWriter(err, true));
    assertThat(command.execute("check", site.configuration.toString())).isEqualTo(status);
    return err.toString();
  }

  @Test
  void nothingElseReachesTheFileOfAVolumeThatIsLeftOut() throws Exception {
    Files.move(store(), file("away"));
    start(CONFIGURATION);
    String table = "0 1024 linear " + file("vm1.img") + " 0";
    assertThatThrownBy(() -> site.dmTable(table, "create", "sly"))
        .hasMessageContaining("is the image of volume vm1, which is not served");
    assertThatThrownBy(() -> site.dmTable("0 1024 linear vm1 0", "create", "sly"))
        .hasMessageContaining("it stands on vm1, which is left out");
  }

  @Test
  void aVolumeUnderAnotherNameWouldLoseItsSnapshots() throws Exception {
    String renamed = CONFIGURATION.replace("vm1", "vm9").replace("vm9.img", "vm1.img");
    start(renamed);
    assertThat(host().luns()).containsExactly(2);
    assertThat(String.join("\n", warnings()))
        .contains("vm1.img is the image of volume vm1, which has snapshots (vm1@a)");
    server.close();
    start(CONFIGURATION);
    isServedAgain();
  }

  @Test
  void aMadeDeviceIsLeftOutAndGivenUp() throws Exception {
    start(CONFIGURATION);
    Files.write(file("raw"), new byte[1 << 20]);
    site.dmTable("0 1024 linear " + file("raw") + " 0", "create", "made");
    site.dmTable("0 512 linear made 0", "create", "above");
    server.close();
    Files.move(file("raw"), file("away"));
    start(CONFIGURATION);
    assertThat(warnings()).hasSize(2);
    assertThat(warnings().get(1))
        .contains("device made: it is not served: ", "raw", "anabranch dm remove made");
    Files.move(file("away"), file("raw"));
    site.ask("volume retry", Map.of());
    assertThat(site.dm("ls")).contains("made", "above");
    server.close();
    Files.delete(file("raw"));
    start(CONFIGURATION);
    site.dm("remove", "above");
    site.dm("remove", "made");
    assertThat(warnings()).isEmpty();
    server.close();
    start(CONFIGURATION);
    assertThat(warnings()).isEmpty();
  }

  @Test
  void allOrNothing() throws Exception {
    Files.move(file("vm1.img"), file("away"));
    assertThatThrownBy(() -> start(CONFIGURATION, Server.Strictness.ALL_OR_NOTHING))
        .hasMessageContaining("volume vm1: its image " + file("vm1.img") + " is missing");
    Files.move(file("away"), file("vm1.img"));
    start(CONFIGURATION, Server.Strictness.ALL_OR_NOTHING);
    isServedAgain();
  }

  @Test
  void anErrorInTheConfigurationIsFatalAllTheSame() throws Exception {
    assertThatThrownBy(() -> start(CONFIGURATION.replace("linear vm1 0", "linaer vm1 0")))
        .hasMessageContaining("linaer");
  }

  @Test
  void whatAnotherProcessHasOrNobodyMayReadIsLeftOut() throws Exception {
    Files.delete(file("vm2.img"));
    Files.createDirectory(file("vm2.img"));
    start(CONFIGURATION);
    assertThat(host().luns()).containsExactly(0, 1, 3);
    assertThat(warnings().getFirst()).startsWith("volume vm2: it is not served: ");
  }

  @Test
  void aFileThatIsCutUnderTheServerIsAWarningUntilSomebodyDecides() throws Exception {
    start(CONFIGURATION);
    byte[] whole = Files.readAllBytes(file("vm2.img"));
    cut(file("vm2.img"), 8192);
    Disk disk = host().disk(2);
    assertThatThrownBy(() -> Initiator.await(disk.read(64, 8), 30))
        .hasMessageContaining("MEDIUM ERROR");
    assertThat(warnings().toString()).contains("volume vm2: its file was cut from outside to 8192");
    assertThatThrownBy(() -> Initiator.await(disk.write(128, block(3)), 30)).isNotNull();
    Files.write(file("vm2.img"), whole);
    assertThat(site.ask("volume retry", Map.of("volume", "vm2")).toString())
        .contains("takes writes again");
    Initiator.await(disk.write(0, block(3)), 30);
    assertThat(warnings()).isEmpty();
  }
}
