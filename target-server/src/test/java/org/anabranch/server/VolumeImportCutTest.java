// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.anabranch.server.VolumeImportTest.CONFIGURATION;
import static org.anabranch.server.VolumeImportTest.MIB;
import static org.anabranch.server.VolumeImportTest.contents;
import static org.anabranch.server.VolumeImportTest.data;
import static org.anabranch.server.VolumeImportTest.export;
import static org.anabranch.server.VolumeImportTest.receive;
import static org.anabranch.server.VolumeImportTest.received;
import static org.anabranch.server.VolumeImportTest.snapshot;
import static org.anabranch.server.VolumeImportTest.volume;
import static org.anabranch.server.VolumeImportTest.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Streams that are cut, come in a wrong order, take long, or are left when their volume goes. */
@TakesLong
final class VolumeImportCutTest {
  @TempDir private Path folder;
  private Site here;
  private Site there;

  @BeforeEach
  void sites() throws IOException {
    here = new Site(Files.createDirectory(folder.resolve("here")));
    there = new Site(Files.createDirectory(folder.resolve("there")));
  }

  /** In the magic, the facts, a record's head, its data, between records, in the last one. */
  @Test
  void aStreamThatIsCutAnywhereChangesNothingAndCanBeSentAgain() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(MIB, 1));
      snapshot(here, "a");
      write(first, 2 * MIB, data(65536, 2));
      snapshot(here, "b");
      byte[] whole = export(here, "vm1@a", null);
      byte[] since = export(here, "vm1@b", "vm1@a");
      byte[] before = new byte[16 * MIB];
      for (String name : List.of("a", "b")) {
        byte[] stream = name.equals("a") ? whole : since;
        int data = stream.length - (name.equals("a") ? MIB : 65536);
        int[] cuts = {
          0,
          1,
          7,
          8,
          20,
          data / 2,
          data - 200,
          data,
          data + 4096,
          stream.length - 40,
          stream.length - 1
        };
        for (int cut : cuts) {
          byte[] part = Arrays.copyOf(stream, Math.max(cut, 0));
          assertThatThrownBy(() -> receive(there, part, false))
              .as("cut at %d of %d", cut, stream.length)
              .isInstanceOf(RefusedException.class)
              .hasMessageContaining("nothing was changed, so send it again");
          assertThat(received(there)).isEmpty();
        }
        assertThat(volume(there)).isEqualTo(before);
        receive(there, stream, false);
        before = contents(here, "vm1@" + name);
        assertThat(volume(there)).isEqualTo(before);
      }
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }

  @Test
  void anotherOrderOrAnotherVolumeIsRefused() throws Exception {
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(MIB, 1));
      for (String name : List.of("a", "b", "c")) {
        snapshot(here, name);
        write(first, 0, data(4096, name.charAt(0)));
      }
      byte[] whole = export(here, "vm1@a", null);
      byte[] b = export(here, "vm1@b", "vm1@a");
      byte[] c = export(here, "vm1@c", "vm1@b");
      receive(there, whole, false);
      assertThatThrownBy(() -> receive(there, c, false))
          .hasMessage(
              "the stream has what changed since vm1@b, and volume vm1 has no snapshot of that point;"
                  + " its snapshots are vm1@a: send what changed since one that both have, or all of"
                  + " it, without --since");
      receive(there, b, false);
      assertThatThrownBy(() -> receive(there, b, false))
          .as("once more")
          .hasMessageContaining("snapshot vm1@b exists");
      receive(there, c, false);
      assertThat(volume(there)).isEqualTo(contents(here, "vm1@c"));
      // A volume of the same size whose snapshot has the same name.
      there.anabranch(0, "volume", "create", "twin", "--size", "16MiB");
      there.anabranch(0, "snapshot", "create", "twin@b");
      assertThatThrownBy(() -> receive(there, "twin", c, false))
          .hasMessageContaining(
              "volume twin has no snapshot of that point; its snapshots are twin@b");
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }

  private static String check(Path file) {
    StringWriter text = new StringWriter();
    PrintWriter both = new PrintWriter(text, true);
    var _ = Main.commandLine().setOut(both).setErr(both).execute("check", file.toString());
    return text.toString();
  }

  /**
   * What a crash leaves while a stream is written, when the volume is not configured afterwards.
   */
  @Test
  void aStreamWhoseVolumeIsGoneIsNamedAndAppliedWhenItComesBack() throws Exception {
    Path received = there.folder.resolve("state/received");
    byte[] contents;
    byte[] whole;
    try (ServerProcess first = here.serve(CONFIGURATION)) {
      write(first, 0, data(2 * MIB, 1));
      snapshot(here, "a");
      contents = contents(here, "vm1@a");
      whole = export(here, "vm1@a", null);
      assertThat(first.terminate()).isZero();
    }
    Path stream = received.resolve("vm1@a.stream");
    try (ServerProcess second = there.serve("")) {
      assertThat(second.terminate()).isZero();
    }
    Files.createDirectories(received);
    Files.write(stream, whole);
    Files.write(received.resolve("vm3@a.stream"), whole);
    try (ServerProcess second = there.serve("")) {
      String named =
          "volume vm1: a stream was received and is not applied, so the volume may be half"
              + " written: ";
      assertThat(String.valueOf(there.ask("status", Map.of()))).contains(named, "vm1@a.stream");
      assertThat(check(there.configuration))
          .contains("warning: " + named, "anabranch volume remove vm1");
      assertThat(there.anabranch(1, "volume", "create", "vm1", "--size", "16MiB"))
          .contains("a stream for a volume of this name was received", "vm1@a.stream");
      assertThat(there.anabranch(0, "volume", "remove", "vm3")).contains("vm3@a.stream is deleted");
      assertThat(there.anabranch(1, "volume", "remove", "vm3")).contains("no volume vm3");
      assertThat(received(there)).containsExactly("vm1@a.stream");
      there.configure(CONFIGURATION);
      there.anabranch(0, "reload");
      assertThat(contents(there, "vm1@a")).isEqualTo(contents);
      assertThat(volume(there)).isEqualTo(contents);
      assertThat(received(there)).isEmpty();
      assertThat(String.valueOf(there.ask("status", Map.of()))).doesNotContain("a stream was");
      assertThat(second.terminate()).isZero();
    }
  }

  /** Nothing but an answer of the user's is left when the file that was received is damaged. */
  @Test
  void aStreamThatIsDamagedAfterwardsIsGivenUpByAdoption() throws Exception {
    Path received = there.folder.resolve("state/received");
    byte[] whole;
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(CONFIGURATION)) {
      write(first, 0, data(2 * MIB, 1));
      snapshot(here, "a");
      whole = export(here, "vm1@a", null);
      assertThat(first.terminate()).isZero();
      assertThat(second.terminate()).isZero();
    }
    whole[whole.length / 2] ^= 1;
    Files.createDirectories(received);
    Files.write(received.resolve("vm1@a.stream"), whole);
    try (ServerProcess second = there.serve(CONFIGURATION)) {
      assertThat(String.valueOf(there.ask("status", Map.of())))
          .contains("an import was received and could not be written")
          .contains("anabranch volume adopt vm1 gives");
      assertThat(there.anabranch(1, "volume", "retry", "vm1")).contains("checksum");
      assertThat(there.anabranch(0, "volume", "adopt", "vm1")).contains("vm1 is served again");
      assertThat(received(there)).isEmpty();
      assertThat(volume(there)).hasSize(16 * MIB);
      assertThat(second.terminate()).isZero();
    }
  }

  @Test
  void anImportUnderWayIsShown() throws Exception {
    String http = "http { listen = \"127.0.0.1:0\" }\n";
    try (ServerProcess first = here.serve(CONFIGURATION);
        ServerProcess second = there.serve(http + CONFIGURATION)) {
      write(first, 0, data(2 * MIB, 1));
      snapshot(here, "a");
      byte[] whole = export(here, "vm1@a", null);
      assertThat(there.ask("status", Map.of())).containsEntry("imports", List.of());
      assertThat(Site.metrics(second)).contains("anabranch_imports 0.0");
      PipedOutputStream out = new PipedOutputStream();
      try (PipedInputStream in = new PipedInputStream(out, 4 * MIB)) {
        CompletableFuture<Object> ended =
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return there
                        .client()
                        .upload(
                            VolumeImportVerb.CALL,
                            new VolumeImportVerb.Arguments("vm1", null, false),
                            state -> {},
                            Channels.newChannel(in));
                  } catch (RefusedException e) {
                    throw new AssertionError(e);
                  }
                },
                task -> Thread.ofPlatform().daemon().start(task));
        out.write(whole, 0, whole.length / 4 * 3);
        out.flush();
        Await.until(
            "a part of it is there",
            () ->
                Site.metrics(second)
                    .matches("(?s).*anabranch_import_received_bytes\\{volume=\"vm1\"} [1-9].*"));
        assertThat(Site.metrics(second))
            .contains("anabranch_imports 1.0", "anabranch_import_applying{volume=\"vm1\"} 0.0");
        assertThat(String.valueOf(there.ask("status", Map.of()).get("imports")))
            .contains("snapshot=a", "phase=receiving");
        out.write(whole, whole.length / 4 * 3, whole.length - whole.length / 4 * 3);
        out.close();
        ended.get(60, TimeUnit.SECONDS);
      }
      assertThat(Site.metrics(second))
          .contains("anabranch_imports 0.0")
          .doesNotContain("import_received");
      assertThat(second.terminate()).isZero();
      assertThat(first.terminate()).isZero();
    }
  }
}
