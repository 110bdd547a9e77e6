// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.Sense;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionListener;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The snapshot commands and their options, from the command line through the socket. */
final class SnapshotVerbsTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { vm1 { path = vm1.img, size = 8 MiB } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@before" } } }
      }
      """;
  private static final int BYTES = 8 << 20;
  private static final int MEDIUM_MAY_HAVE_CHANGED = 0x2800;
  private static final int REPORTED_LUNS_DATA_HAS_CHANGED = 0x3f0e;

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Queue<Integer> attentions = new ConcurrentLinkedQueue<>();
  private final Initiator initiator = new Initiator();
  private ServerProcess server;

  @BeforeEach
  void serve() throws Exception {
    server = ServerProcess.serving(folder, CONFIGURATION);
  }

  @AfterEach
  void stop() throws Exception {
    initiator.close();
    try (ServerProcess running = server) {
      assertThat(running.terminate()).isZero();
      assertThat(running.errors()).doesNotContain("ERROR").doesNotContain("Exception");
    }
  }

  private String socket() {
    return folder.resolve("state/control.sock").toString();
  }

  private String run(int status, String... words) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String[] all = Arrays.copyOf(words, words.length + 2);
    all[words.length] = "--socket";
    all[words.length + 1] = socket();
    int found =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(all);
    assertThat(found).as(out.toString() + err).isEqualTo(status);
    return out.toString() + err;
  }

  private Session login() throws Exception {
    InetSocketAddress portal =
        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), server.port());
    SessionListener listener =
        new SessionListener() {
          @Override
          public void unitAttention(Session session, long lun, Sense sense) {
            attentions.add(sense.code());
          }
        };
    return Initiator.await(initiator.login(portal, SessionOptions.normal(TARGET), listener), 30);
  }

  private static Disk disk(Session session, int lun) throws Exception {
    return Initiator.await(Disk.open(session, lun), 30);
  }

  private static byte[] data(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static void write(Disk disk, int offset, byte[] data) throws Exception {
    Initiator.await(disk.write(offset / 512, ByteBuffer.wrap(data)), 30);
  }

  private static byte[] read(Disk disk, int offset, int length) throws Exception {
    ByteBuffer data = Initiator.await(disk.read(offset / 512, length / 512), 30).rewind();
    byte[] bytes = new byte[length];
    data.get(bytes);
    return bytes;
  }

  private void awaitNoSnapshot() throws Exception {
    ControlClient client = new ControlClient(Path.of(socket()));
    Await.until(
        "no snapshot is left",
        () -> List.of().equals(client.ask("snapshot list", Map.of(), p -> {}).get("snapshots")));
  }

  @Test
  void aSnapshotIsALunAtOnceAndAsItWasAskedFor() throws Exception {
    byte[] old = data(65536, 1);
    Disk disk = disk(login(), 0);
    write(disk, 0, old);
    attentions.clear();
    run(
        0,
        "snapshot",
        "create",
        "vm1@before",
        "--chunk-size",
        "4 KiB",
        "--size",
        "1 MiB",
        "--read-only");
    write(disk, 0, data(65536, 2));
    assertThat(attentions).contains(REPORTED_LUNS_DATA_HAS_CHANGED);
    assertThat(Initiator.await(Disk.reportLuns(disk.session()), 30)).containsExactly(0, 1);
    Disk snapshot = disk(disk.session(), 1);
    assertThat(read(snapshot, 0, 65536)).isEqualTo(old);
    assertThatThrownBy(() -> write(snapshot, 0, old))
        .isInstanceOfSatisfying(
            ScsiException.class, e -> assertThat(e.is(Sense.DATA_PROTECT, 0x2700)).isTrue());
    Map<String, Object> json = Json.parse(run(0, "snapshot", "list", "vm1", "--json"));
    Map<?, ?> listed = (Map<?, ?>) ((List<?>) Objects.requireNonNull(json.get("snapshots"))).get(0);
    assertThat(listed.get("chunk-bytes")).isEqualTo(4096);
    assertThat(listed.get("read-only")).isEqualTo(true);
    assertThat(folder.resolve("state/cow/vm1@before.cow")).hasSize(1 << 20);

    assertThat(run(1, "snapshot", "remove", "vm1@before")).contains("has 1 session");
    attentions.clear();
    run(0, "snapshot", "remove", "--force", "vm1@before");
    assertThat(read(disk, 0, 65536)).isEqualTo(data(65536, 2));
    assertThat(attentions).contains(REPORTED_LUNS_DATA_HAS_CHANGED);
    assertThat(Initiator.await(Disk.reportLuns(disk.session()), 30)).containsExactly(0);
  }

  @Test
  void aWritableSnapshotIsABranch() throws Exception {
    Disk disk = disk(login(), 0);
    run(0, "snapshot", "create", "vm1@before", "--writable");
    Disk branch = disk(disk.session(), 1);
    write(branch, 4096, data(4096, 1));
    write(disk, 8192, data(4096, 2));
    assertThat(read(branch, 4096, 8192)).startsWith(data(4096, 1)).endsWith(new byte[4096]);
    assertThat(read(disk, 4096, 8192)).startsWith(new byte[4096]).endsWith(data(4096, 2));
  }

  @Test
  void sizesThatMakeNoSenseAreRefusedAndLeaveNothing() throws Exception {
    String[] create = {"snapshot", "create", "vm1@before"};
    assertThat(run(2, "snapshot", "create", "vm1@before", "--writable", "--read-only"))
        .contains("--writable or --read-only, not both");
    assertThat(run(2, with(create, "--size", "100"))).contains("whole sectors: 100");
    assertThat(run(2, with(create, "--chunk-size", "many"))).contains("whole sectors: many");
    for (String chunk : List.of("512", "3 KiB", "12 KiB", "64 MiB")) {
      assertThat(run(1, with(create, "--chunk-size", chunk)))
          .contains("allowed are powers of two from 4 KiB to 32 MiB");
    }
    assertThat(run(1, with(create, "--size", "1 KiB")))
        .contains("a store of 1 KiB is too small: with chunks of 8 KiB it needs 24 KiB at least");
    assertThat(run(1, with(create, "--size", "16 KiB"))).contains("24 KiB at least");
    assertThat(run(0, "snapshot", "list", "--json")).contains("\"snapshots\" : []");
    if (Files.exists(folder.resolve("state/cow"))) {
      assertThat(folder.resolve("state/cow")).isEmptyDirectory();
    }
  }

  private static String[] with(String[] words, String... more) {
    String[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return all;
  }

  @Test
  void waitShowsHowFarAMergeIs() throws Exception {
    Disk disk = disk(login(), 0);
    write(disk, 0, data(65536, 1));
    run(0, "snapshot", "create", "vm1@before");
    for (int at = 0; at < BYTES; at += 65536) {
      write(disk, at, data(65536, 2));
    }
    attentions.clear();
    assertThat(run(0, "snapshot", "merge", "--now", "--wait", "vm1@before"))
        .containsPattern("(?m)^ *\\d+ %  [\\d.]+ \\w+ of 8 MiB, [\\d.]+ \\w+/s")
        .endsWith("volume vm1 is rolled back to vm1@before\n");
    assertThat(read(disk, 0, 131072)).startsWith(data(65536, 1)).endsWith(new byte[65536]);
    assertThat(attentions).contains(MEDIUM_MAY_HAVE_CHANGED);
    awaitNoSnapshot();
  }

  @Test
  void whoWaitsMayBeInterrupted() throws Exception {
    Session session = login();
    Disk disk = disk(session, 0);
    run(0, "snapshot", "create", "vm1@before");
    write(disk, 0, data(65536, 2));
    String[] command = {"snapshot", "merge", "--wait", "vm1@before", "--socket", socket()};
    try (ServerProcess waiting = new ServerProcess(folder, command)) {
      assertThat(waiting.line()).isEqualTo("waiting until nobody uses the volume");
      waiting.process().toHandle().destroy();
      assertThat(waiting.await()).isNotZero();
      assertThat(waiting.output()).contains("the rollback goes on; snapshot list shows");
    }
    assertThat(run(0, "snapshot", "list")).contains("waiting");
    Initiator.await(session.logout(), 30);
    awaitNoSnapshot();
    assertThat(read(disk(login(), 0), 0, 65536)).isEqualTo(new byte[65536]);
  }

  @Test
  void dataGoesOutAndInAgain() throws Exception {
    Disk disk = disk(login(), 0);
    write(disk, 0, data(65536, 1));
    run(0, "snapshot", "create", "vm1@before", "--chunk-size", "64 KiB");
    write(disk, 65536, data(4096, 2));
    assertThat(run(0, "snapshot", "diff", "vm1@before")).isEqualTo("65536 65536\n");
    assertThat(run(1, "snapshot", "diff", "vm1@nothing", "--json"))
        .as("no half of an object")
        .startsWith("anabranch: there is no snapshot vm1@nothing");
    Map<String, Object> json = Json.parse(run(0, "snapshot", "diff", "vm1@before", "--json"));
    assertThat(json)
        .containsEntry("extents", List.of(Map.of("offset", 65536, "length", 65536, "type", "data")))
        .containsEntry("extent-count", 1)
        .containsEntry("changed-bytes", 65536);

    String image = folder.resolve("out.img").toString();
    assertThat(run(0, "snapshot", "export", "vm1@before", image))
        .contains("100 %  8 MiB")
        .endsWith(
            "vm1@before exported to " + image + ": 64 KiB of 8 MiB, readable by its owner only\n");
    byte[] expected = Arrays.copyOf(data(65536, 1), BYTES);
    assertThat(Path.of(image)).hasBinaryContent(expected);
    assertThat(run(1, "snapshot", "export", "vm1@before", image)).contains("exists; --force");
    assertThat(run(1, "snapshot", "export", "vm1", folder.resolve("x").toString()))
        .contains("there is no snapshot vm1; there are: vm1@before");

    run(0, "snapshot", "create", "vm1@later");
    assertThat(run(0, "snapshot", "diff", "vm1@later", "--since", "vm1@before"))
        .isEqualTo("65536 65536\n");
    assertThat(run(0, "snapshot", "diff", "vm1@later", "--since", "vm1@before", "--extents"))
        .as("the hole behind what was written")
        .isEqualTo("65536 4096 data\n69632 61440 zero\n");
    String delta = folder.resolve("later.delta").toString();
    String since = "--since=vm1@before";
    assertThat(run(0, "snapshot", "export", "vm1@later", delta, since, "--json"))
        .contains("\"stored-bytes\" : 65536");
    StringWriter said = new StringWriter();
    int status =
        Main.commandLine()
            .setOut(new PrintWriter(said))
            .execute("snapshot", "import", delta, image);
    assertThat(status).isZero();
    assertThat(said.toString()).endsWith(delta + " applied to " + image + ": 64 KiB\n");
    System.arraycopy(data(4096, 2), 0, expected, 65536, 4096);
    assertThat(Path.of(image)).hasBinaryContent(expected);
  }
}
