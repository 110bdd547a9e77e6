// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.Main;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole files as they are found in the field, from the command to {@code check}: with our own names
 * and the constructs of tgt's examples, of targetcli on a Windows host's server, and of a gateway.
 */
final class ImportedFilesTest {
  private static final String NO_PASSWORD = "PLEASE_CORRECT_THE_PASSWORD";
  private static final String BASE = "iqn.2026-11.org.example:";

  @TempDir private Path folder;

  private record Printed(int status, String out, String err) {}

  @BeforeEach
  void images() throws IOException {
    for (String name : new String[] {"one", "two", "a", "b", "c", "d", "e", "f", "h", "i", "j"}) {
      try (RandomAccessFile image = new RandomAccessFile(folder + "/" + name + ".img", "rw")) {
        image.setLength(1 << 20);
      }
    }
  }

  private static Printed run(String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(words);
    return new Printed(status, out.toString(), err.toString());
  }

  private String text(String resource) throws IOException {
    try (var in = Objects.requireNonNull(getClass().getResourceAsStream("/imports/" + resource))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .replace("@DIR@", folder.toString());
    }
  }

  /** Imports a file, and lets check judge what is printed. */
  private Configuration imported(String kind, String resource) throws Exception {
    Path file = Files.writeString(folder.resolve(resource), text(resource));
    Printed printed = run("import", kind, file.toString());
    assertThat(printed.status()).as(printed.err()).isZero();
    String text =
        printed
            .out()
            .replace("state-dir = \"/var/lib/anabranch\"", "state-dir = \"" + folder + "/state\"");
    Path configuration = Files.writeString(folder.resolve(resource + ".anabranch"), text);
    Printed checked = run("check", configuration.toString());
    assertThat(checked.err()).as(text).doesNotContain("would be left out");
    assertThat(checked.status()).as(checked.err() + text).isZero();
    return ConfigurationFile.read(configuration);
  }

  private String losses(String kind, String resource) throws Exception {
    Path file = folder.resolve(resource);
    ImportedConfiguration read = kind.equals("tgt") ? TgtImport.read(file) : LioImport.read(file);
    return String.join("\n", read.losses().stream().map(Losses.Loss::toString).toList());
  }

  private static TargetConfig target(Configuration configuration, String name) {
    return Objects.requireNonNull(configuration.targets().get(name), name);
  }

  private static String luns(TargetConfig target) {
    return String.join(
        " ",
        target.luns().values().stream()
            .map(lun -> lun.number() + "=" + lun.device() + (lun.readOnly() ? "(ro)" : ""))
            .toList());
  }

  @Test
  void theFormsOfTgtsExamples() throws Exception {
    Configuration configuration = imported("tgt", "several-forms.conf");
    assertThat(luns(target(configuration, BASE + "plain"))).isEqualTo("1=one");
    assertThat(luns(target(configuration, BASE + "three"))).isEqualTo("1=a 2=b 3=c");
    assertThat(luns(target(configuration, BASE + "twice"))).isEqualTo("1=f 2=d 3=e");
    TargetConfig blocks = target(configuration, BASE + "blocks");
    assertThat(luns(blocks)).as("the cd keeps its number").isEqualTo("2=h 3=i 15=j");
    assertThat(blocks.chap()).map(ChapConfig::user).containsExactly("user1", "user2");
    assertThat(blocks.chap())
        .allMatch(user ->
            new ChapConfig.Mutual("userA", new Secret("longsecret-AA")).equals(user.mutual()));
    assertThat(blocks.access().addresses())
        .map(Object::toString)
        .containsExactly("192.0.2.1/32", "198.51.100.5/32");
    assertThat(configuration.volumes().get("i"))
        .satisfies(volume -> {
          assertThat(Objects.requireNonNull(volume).identity().serial()).isEqualTo("SERIAL");
          assertThat(volume.identity().vendor()).isEqualTo("back1");
        });
    assertThat(configuration.volumes().get("a"))
        .satisfies(volume ->
            assertThat(Objects.requireNonNull(volume).identity().vendor()).isEqualTo("Some Com"));
    assertThat(configuration.targets()).doesNotContainKey(BASE + "tape");
    assertThat(losses("tgt", "several-forms.conf"))
        .contains("not-there.conf: no such file")
        .contains("conf.d/*.conf: no such folder")
        .contains("LUN 1 is left out: device-type cd")
        .contains("device-type tape: only disks can be served here")
        .contains("write-cache off has no counterpart")
        .contains("\"Some Company Inc.\" is cut to \"Some Com\", as tgtd does")
        .contains("serial several-10 is ");
  }

  /** Of Debian's tgt 1.0.85: LUN 1 of one is b.img, which path would make LUN 2. */
  @Test
  void whatTgtAdminDumps() throws Exception {
    Configuration configuration = imported("tgt", "dump.conf");
    TargetConfig one = target(configuration, BASE + "one");
    assertThat(luns(one)).isEqualTo("1=b 2=a");
    assertThat(one.access().addresses())
        .map(Object::toString)
        .containsExactlyInAnyOrder(
            "192.0.2.0/24", "192.0.2.7/32", "2001:db8:0:0:0:0:0:0/32", "0:0:0:0:0:0:0:1/128");
    assertThat(one.access().initiators()).isEmpty();
    assertThat(one.chap()).map(ChapConfig::user).containsExactly("user1");
    assertThat(one.chap().getFirst().secret()).isNotEqualTo(new Secret(NO_PASSWORD));
    TargetConfig two = target(configuration, BASE + "two");
    assertThat(two.access().initiators())
        .map(Object::toString)
        .containsExactly("iqn.1993-08.org.debian:01:a");
    assertThat(two.access().addresses()).isEmpty();
    assertThat(luns(target(configuration, BASE + "three"))).isEqualTo("1=d 2=e");
    assertThat(losses("tgt", "dump.conf"))
        .contains("it is what tgt-admin --dump prints")
        .contains("the secret of user user1 is not in the file")
        .doesNotContain("initiator-name");
    // The same in a file that somebody wrote: tgt-admin numbers by path.
    Path written =
        Files.writeString(
            folder.resolve("written.conf"), "# mine\n" + text("dump.conf").replace("\t", "  "));
    assertThat(luns(TgtImport.read(written).targets().getFirst())).isEqualTo("1=a 2=b");
  }

  @Test
  void aServerOfOneWindowsHost() throws Exception {
    Configuration configuration = imported("lio", "windows-host.json");
    TargetConfig target =
        target(configuration, "iqn.2003-01.org.example.storage.x8664:sn.0123456789ab");
    assertThat(luns(target)).isEqualTo("0=depot(ro) 1=media");
    assertThat(target.access().initiators())
        .map(Object::toString)
        .containsExactly("iqn.1991-05.com.microsoft:host");
    assertThat(target.chap()).hasSize(1);
    ChapConfig user = target.chap().getFirst();
    assertThat(user.user()).isEqualTo("iqn.1991-05.com.microsoft:host");
    assertThat(user.secret()).isEqualTo(new Secret("hostpassword"));
    assertThat(user.mutual())
        .isEqualTo(new ChapConfig.Mutual("storage", new Secret("mutualpass12")));
    assertThat(configuration.volumes().get("media"))
        .satisfies(volume -> {
          assertThat(Objects.requireNonNull(volume).blockSize()).isEqualTo(4096);
          assertThat(volume.identity().serial()).isEqualTo("3e1f0c52-7a94-4b1e-9d0a-5566778899aa");
          assertThat(volume.identity().naa()).isEqualTo("60014053e1f0c527a944b1e9d0a55667");
        });
    assertThat(losses("lio", "windows-host.json")).contains("authentication is 0");
  }

  @Test
  void aGatewayWhoseDisksAreElsewhere() throws Exception {
    Configuration configuration = imported("lio", "gateway.json");
    TargetConfig target = target(configuration, "iqn.2003-01.org.example.gateway:iscsi-igw");
    assertThat(luns(target)).isEqualTo("1=local");
    assertThat(target.chap()).map(ChapConfig::user).containsExactly("myiscsiuser");
    assertThat(losses("lio", "gateway.json"))
        .contains("/backstores/user/pool.disk1: it is left out: plugin user (rbd/pool/disk1")
        .contains("LUN 0 is left out: /backstores/user/pool.disk1")
        .contains("ALUA group ao has no counterpart")
        .contains("portal group 2 is left out: it is disabled")
        .contains("naa.5001405123456789: it is left out: fabric vhost");
  }

  /** However much of a file is there, it is read or refused by its name. */
  @ParameterizedTest
  @ValueSource(strings = {"several-forms.conf", "windows-host.json", "gateway.json"})
  void aFileThatWasCut(String resource) throws Exception {
    String whole = text(resource);
    Path file = folder.resolve("cut");
    int refused = 0;
    for (int length = 0; length < whole.length(); length += 23) {
      String part = whole.substring(0, length);
      if (part.substring(part.lastIndexOf('\n') + 1).contains("include")) {
        continue; // who knows what there is at half of a path
      }
      Files.writeString(file, part);
      try {
        var _ = resource.endsWith(".json") ? LioImport.read(file) : TgtImport.read(file);
      } catch (RefusedException e) {
        assertThat(e).hasMessageContaining(folder.toString());
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          include /no/such/file.conf         | include /no/such/file.conf: no such file
          include /no/such/[.conf            | include /no/such/[.conf: no such folder
          include @DIR@/[.conf               | include @DIR@/[.conf: no pattern of names
          include @DIR@/{a                   | include @DIR@/{a: no pattern of names
          include @DIR@/a\0b                 | no path
          include                            | include : no such file
          <<include @DIR@/nothing.conf>>     | nothing.conf: no such file
          """)
  void includesThatLeadNowhere(String line, String loss) throws Exception {
    Path file =
        Files.writeString(
            Files.createDirectory(folder.resolve("inner")).resolve("t.conf"),
            line.replace("@DIR@", folder.toString()).replace("\\0", "\0")
                + "\n<target "
                + BASE
                + "t>\nbacking-store /x\n</target>\n");
    if (line.equals("include")) { // the folder itself, and so the file again and again
      assertThatThrownBy(() -> TgtImport.read(file)).hasMessageContaining("too many files");
      return;
    }
    ImportedConfiguration read = TgtImport.read(file);
    assertThat(read.targets()).hasSize(1);
    assertThat(read.losses().toString()).contains(loss.replace("@DIR@", folder.toString()));
  }

  @Test
  void hugeAndDeepFilesAreRefused() throws Exception {
    Path huge = folder.resolve("huge");
    try (RandomAccessFile file = new RandomAccessFile(huge.toFile(), "rw")) {
      file.setLength(1L << 32);
    }
    assertThatThrownBy(() -> TgtImport.read(huge)).hasMessageContaining("has more than");
    assertThatThrownBy(() -> LioImport.read(huge)).hasMessageContaining("has more than");
    Path deep = folder.resolve("deep.json");
    String open = "{\"targets\": [], \"storage_objects\": " + "[".repeat(200_000);
    Files.writeString(deep, open + "]".repeat(200_000) + "}");
    assertThatThrownBy(() -> LioImport.read(deep))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("is no saveconfig.json");
    Files.writeString(deep, "<x>\n".repeat(200_000));
    assertThatThrownBy(() -> TgtImport.read(deep)).hasMessageContaining("nested too deeply");
  }
}
