// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume follows a snapshot of another server: streams, what is refused, and what is left. */
final class VolumeImportTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  static final int MIB = 1 << 20;
  static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB }, other { path = o.img, size = 8 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      """;

  @TempDir private Path folder;
  private Site here;
  private Site there;

  @BeforeEach
  void sites() throws IOException {
    here = new Site(Files.createDirectory(folder.resolve("here")));
    there = new Site(Files.createDirectory(folder.resolve("there")));
  }

  static byte[] export(Site site, String snapshot, @Nullable String since) throws Exception {
    return site.export(snapshot, since);
  }

  static VolumeImportVerb.Result receive(Site site, byte[] stream, boolean force)
      throws RefusedException {
    return receive(site, "vm1", stream, force);
  }

  static VolumeImportVerb.Result receive(Site site, String volume, byte[] stream, boolean force)
      throws RefusedException {
    return site.client()
        .upload(
            VolumeImportVerb.CALL,
            new VolumeImportVerb.Arguments(volume, null, force),
            state -> {},
            Channels.newChannel(new ByteArrayInputStream(stream)));
  }

  static byte[] contents(Site site, String snapshot) throws Exception {
    Path file = site.folder.resolve("contents");
    site.ask("snapshot export", Map.of("name", snapshot, "file", file.toString(), "force", true));
    return Files.readAllBytes(file);
  }

  /** The volume as it is now. */
  static byte[] volume(Site site) throws Exception {
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "look", "read-only", true));
    byte[] contents = contents(site, "vm1@look");
    site.ask("snapshot remove", Map.of("name", "vm1@look"));
    return contents;
  }

  static void write(ServerProcess server, int offset, byte[] data) throws Exception {
    try (Initiator initiator = new Initiator(1)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      for (int at = 0; at < data.length; at += 65536) {
        int length = Math.min(65536, data.length - at);
        Initiator.await(
            disk.write((offset + at) / 512, ByteBuffer.wrap(data, at, length).slice()), 30);
      }
      Initiator.await(host.session().logout(), 30);
    }
  }

  static byte[] data(int length, long seed) {
    byte[] data = new byte[length];
    new Random(seed).nextBytes(data);
    return data;
  }

  static void snapshot(Site site, String name) throws RefusedException {
    site.ask("snapshot create", Map.of("volume", "vm1", "name", name, "read-only", true));
  }

  static List<String> received(Site site) throws IOException {
    Path received = site.folder.resolve("state/received");
    if (!Files.isDirectory(received)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(received)) {
      return files.map(each -> String.valueOf(each.getFileName())).toList();
    }
  }

  @Test
  void aVolumeFollowsAndMayBeSentBack() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(3 * MIB, 1));
      write(first, 8 * MIB, data(MIB, 2));
      snapshot(here, "a");
      VolumeImportVerb.Result a = receive(there, export(here, "vm1@a", null), false);
      assertThat(a.snapshot()).isEqualTo("vm1@a");
      assertThat(a.since()).isNull();
      assertThat(a.changedBytes()).as("and the last block").isEqualTo(4L * MIB + 4096);
      assertThat(volume(there)).isEqualTo(contents(here, "vm1@a"));

      write(first, MIB, new byte[MIB]);
      write(first, 12 * MIB, data(4096, 3));
      snapshot(here, "b");
      VolumeImportVerb.Result b = receive(there, export(here, "vm1@b", "vm1@a"), false);
      assertThat(b.since()).isEqualTo("vm1@a");
      assertThat(b.changedBytes()).isEqualTo(MIB + 8192L);
      byte[] contents = contents(here, "vm1@b");
      assertThat(volume(there)).isEqualTo(contents);
      assertThat(contents(there, "vm1@a")).as("still").isEqualTo(contents(here, "vm1@a"));
      assertThat(contents(there, "vm1@b")).isEqualTo(contents);
      assertThat(times(there)).isEqualTo(times(here));
      assertThat(received(there)).isEmpty();

      // The other way, after a restart: the points are the same on both sides.
      assertThat(second.terminate()).isZero();
      try (ServerProcess again = there.serve(CONFIGURATION)) {
        write(again, 5 * MIB, data(MIB, 4));
        snapshot(there, "c");
        assertThat(receive(here, export(there, "vm1@c", "vm1@b"), false).since())
            .isEqualTo("vm1@b");
        assertThat(volume(here)).isEqualTo(contents(there, "vm1@c"));
        assertThat(again.terminate()).isZero();
      }
      assertThat(first.terminate()).isZero();
      assertThat(first.errors() + second.errors()).doesNotContain("ERROR");
    }
  }

  /** Of each snapshot, when it was taken first. */
  private static String times(Site site) throws Exception {
    StringBuilder times = new StringBuilder();
    for (Object each :
        (List<?>) site.ask("snapshot list", Map.of()).getOrDefault("snapshots", "")) {
      Map<?, ?> snapshot = (Map<?, ?>) each;
      times.append(snapshot.get("name")).append(' ').append(snapshot.get("created")).append('\n');
    }
    return times.toString();
  }

  @Test
  void whatDoesNotFitIsRefusedAndChangesNothing() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(MIB, 1));
      snapshot(here, "a");
      byte[] whole = export(here, "vm1@a", null);
      write(first, 0, data(8192, 2));
      snapshot(here, "b");
      byte[] since = export(here, "vm1@b", "vm1@a");

      assertThatThrownBy(() -> receive(there, since, false))
          .hasMessage(
              "the stream has what changed since vm1@a, and volume vm1 has no snapshot of that point;"
                  + " it has no snapshots at all: send what changed since one that both have, or all"
                  + " of it, without --since");
      assertThatThrownBy(() -> receive(there, "other", whole, false))
          .hasMessageContaining("volume other has 8388608 bytes, and vm1@a has 16777216 (16 MiB)");
      assertThatThrownBy(() -> receive(there, "vm7", since, false))
          .hasMessage(
              "there is no volume vm7, and the stream has only what changed since vm1@a: send all of"
                  + " it, without --since");
      assertThatThrownBy(() -> receive(there, new byte[100], false))
          .hasMessageContaining("no ANADELTA at byte 0; nothing was changed, so send it again");
      assertThatThrownBy(() -> receive(there, Arrays.copyOf(whole, whole.length - 1), false))
          .hasMessageContaining("the stream: it ends in the middle of record")
          .hasMessageEndingWith("; nothing was changed, so send it again");
      byte[] damaged = whole.clone();
      damaged[whole.length / 2] ^= 1;
      assertThatThrownBy(() -> receive(there, damaged, false))
          .hasMessageContaining("its checksum is wrong; nothing was changed, so send it again");
      assertThat(volume(there)).isEqualTo(new byte[16 * MIB]);
      assertThat(received(there)).isEmpty();

      write(second, 4 * MIB, data(4096, 9));
      assertThatThrownBy(() -> receive(there, whole, false))
          .hasMessage("volume vm1 is not empty; --force gives up what it has");
      receive(there, whole, true);
      assertThat(volume(there)).isEqualTo(contents(here, "vm1@a"));
      assertThatThrownBy(() -> receive(there, whole, true))
          .hasMessageContaining("snapshot vm1@a exists");

      write(second, 0, data(4096, 9)); // which the stream writes, too
      write(second, 6 * MIB, data(4096, 9)); // which it does not
      assertThatThrownBy(() -> receive(there, since, false))
          .hasMessage("volume vm1 was changed since vm1@a; --force gives up these changes");
      try (Initiator initiator = new Initiator(1)) {
        Site.Host host = Site.Host.logIn(initiator, second, TARGET);
        assertThatThrownBy(() -> receive(there, since, true))
            .hasMessageContaining("volume vm1 is in use by ")
            .hasMessageContaining("log out there");
        Initiator.await(host.session().logout(), 30);
      }
      receive(there, since, true);
      assertThat(volume(there)).isEqualTo(contents(here, "vm1@b"));
      assertThat(contents(there, "vm1@a")).isEqualTo(contents(here, "vm1@a"));
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }

  private static List<String> images(Site site) throws IOException {
    Path images = site.folder.resolve("state/images");
    if (!Files.isDirectory(images)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(images)) {
      return files.map(each -> String.valueOf(each.getFileName())).toList();
    }
  }

  private static void assertNoVolume(Site site, String name) throws Exception {
    assertThat(String.valueOf(site.ask("volume list", Map.of()))).doesNotContain(name);
    assertThat(images(site)).isEmpty();
    assertThat(received(site)).isEmpty();
  }

  @Test
  void aStreamMakesAVolumeThatIsNotThere() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve("")) {
      write(first, 0, data(2 * MIB, 1));
      snapshot(here, "a");
      byte[] whole = export(here, "vm1@a", null);
      assertThatThrownBy(() -> receive(there, "vm7", Arrays.copyOf(whole, whole.length - 1), false))
          .hasMessageContaining("the stream: it ends in the middle of record");
      assertNoVolume(there, "vm7");
      assertThatThrownBy(() -> receive(there, "-7", whole, false))
          .hasMessageContaining("not a volume's name");
      Path image = there.folder.resolve("state/images/vm8.img");
      Files.createDirectories(image.resolveSibling(""));
      Files.writeString(image, "somebody's");
      assertThatThrownBy(() -> receive(there, "vm8", whole, false))
          .hasMessageContaining("vm8.img exists");
      assertThat(image).hasContent("somebody's");
      Files.delete(image);
      assertNoVolume(there, "vm8");

      VolumeImportVerb.Result made = receive(there, "vm7", whole, false);
      assertThat(made.made()).isTrue();
      assertThat(made.snapshot()).isEqualTo("vm7@a");
      byte[] contents = contents(here, "vm1@a");
      assertThat(contents(there, "vm7@a")).isEqualTo(contents);
      write(first, MIB, data(MIB, 2));
      snapshot(here, "b");
      assertThat(receive(there, "vm7", export(here, "vm1@b", "vm1@a"), false).made()).isFalse();
      assertThat(second.terminate()).isZero();
      try (ServerProcess again = there.serve("")) {
        assertThat(contents(there, "vm7@b")).isEqualTo(contents(here, "vm1@b"));
        there.ask("snapshot remove", Map.of("name", "vm7@a"));
        there.ask("snapshot remove", Map.of("name", "vm7@b"));
        there.ask("volume remove", Map.of("volume", "vm7", "delete-image", true));
        assertNoVolume(there, "vm7");
        assertThat(again.terminate()).isZero();
        assertThat(again.errors()).doesNotContain("ERROR");
      }
      assertThat(first.terminate()).isZero();
      assertThat(second.errors()).doesNotContain("ERROR");
    }
  }

  /** What a crash leaves between the decision and the first step of making the volume. */
  @Test
  void aStartMakesTheVolumeOfAStreamThatWasReceivedBefore() throws Exception {
    Path received = there.folder.resolve("state/received");
    byte[] contents;
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve("")) {
      write(first, 0, data(2 * MIB, 1));
      snapshot(here, "a");
      contents = contents(here, "vm1@a");
      assertThat(second.terminate()).isZero();
      Files.createDirectories(received);
      byte[] whole = export(here, "vm1@a", null);
      Files.write(received.resolve("vm7@a.new"), whole);
      Files.write(received.resolve("vm8@a.new"), whole);
      Files.write(received.resolve("vm9@a.part"), whole);
      assertThat(first.terminate()).isZero();
    }
    // The name of one of them was configured meanwhile: that volume is not touched.
    String configured = "volumes { vm8 { path = vm8.img, size = 16 MiB } }";
    try (ServerProcess again = there.serve(configured)) {
      assertThat(contents(there, "vm7@a")).isEqualTo(contents);
      there.ask("snapshot create", Map.of("volume", "vm8", "name", "look", "read-only", true));
      assertThat(contents(there, "vm8@look")).isEqualTo(new byte[16 * MIB]);
      assertThat(String.valueOf(there.ask("volume list", Map.of()))).doesNotContain("vm9");
      assertThat(received(there)).isEmpty();
      assertThat(images(there)).containsExactly("vm7.img");
      assertThat(again.errors())
          .contains("vm8: it cannot be made of the stream")
          .contains("vm7.img");
      assertThat(again.terminate()).isZero();
    }
  }

  @Test
  void commandsInAPipeTellOfBothEnds() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(8 * MIB, 1));
      snapshot(here, "a");
      String send = command(here, "snapshot", "export", "vm1@a", "-");
      String take = command(there, "volume", "import", "vm1", "-");
      assertThat(shell(send + " | head -c 3000000 | " + take, 1))
          .contains("anabranch: standard output: Broken pipe; the stream is broken off")
          .contains("the stream: it ends in the middle of record ", "; nothing was changed");
      assertThat(volume(there)).isEqualTo(new byte[16 * MIB]);
      assertThat(shell("exec 1>&-; " + send, 1)).contains("standard output");
      assertThat(shell(command(here, "snapshot", "export", "vm1@x", "-") + " | " + take, 1))
          .contains("there is no snapshot vm1@x")
          .contains("it ends in the middle of the header; nothing was changed, so send it again");
      assertThat(shell(send + " | " + take, 0))
          .isEqualTo("volume vm1 is vm1@a now: 8 MiB of 16 MiB\n");
      assertThat(volume(there)).isEqualTo(contents(here, "vm1@a"));
      assertThat(shell(send + " | " + take, 1)).contains("snapshot vm1@a exists");
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }

  private static String command(Site site, String... words) {
    List<String> line = new ArrayList<>(List.of(words));
    line.addAll(List.of("--socket", site.socket().toString()));
    return Pty.quoted(ServerProcess.command(site.folder, line.toArray(String[]::new)));
  }

  private static String shell(String script, int status) throws Exception {
    Tools.Result result = Tools.run(120, Map.of(), "bash", "-c", "set -o pipefail; " + script);
    assertThat(result.status()).as(result.output()).isEqualTo(status);
    return result.output();
  }
}
