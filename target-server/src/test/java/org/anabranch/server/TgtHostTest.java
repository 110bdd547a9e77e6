// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.ChapCredentials;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host of tgt is taken over: Debian's tgtd runs its configuration, and then we do. */
final class TgtHostTest {
  private static final String PLAIN = "iqn.2026-11.org.example:plain";
  private static final String NAMED = "iqn.2026-11.org.example:named";

  /** Designators of the logical unit, as page 83 has them: code set and type, then the name. */
  private static final int NAA = 0x103;

  private static final int T10 = 0x201;

  @TempDir private Path folder;

  /** What initiators recognise a disk by. */
  private record Names(
      String vendorAndProduct, String revision, String serial, String t10, List<String> naa) {}

  private Names names(Session session, int lun) throws Exception {
    Disk disk = Initiator.await(Disk.open(session, lun), 60);
    ByteBuffer inquiry = Initiator.await(disk.inquiry(), 60);
    ByteBuffer serial = Initiator.await(disk.inquiry(0x80), 60);
    Map<Integer, List<byte[]>> designators = designators(Initiator.await(disk.inquiry(0x83), 60));
    return new Names(
        text(inquiry, 8, 24),
        text(inquiry, 32, 4),
        text(serial, 4, serial.remaining() - 4).strip(),
        new String(designators.getOrDefault(T10, List.of()).getFirst(), StandardCharsets.US_ASCII)
            .replace("\0", ""),
        designators.getOrDefault(NAA, List.of()).stream().map(HexFormat.of()::formatHex).toList());
  }

  private static String text(ByteBuffer data, int at, int length) {
    byte[] bytes = new byte[length];
    data.get(data.position() + at, bytes);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  /** Those of the logical unit, by code set and type. */
  private static Map<Integer, List<byte[]>> designators(ByteBuffer page) {
    Map<Integer, List<byte[]>> all = new TreeMap<>();
    ByteBuffer left = page.slice().position(4);
    while (left.remaining() >= 4) {
      int codeSet = left.get() & 0x0f;
      int kind = left.get() & 0x3f;
      left.get();
      byte[] name = new byte[left.get() & 0xff];
      left.get(name);
      all.computeIfAbsent(codeSet << 8 | kind, each -> new ArrayList<>()).add(name);
    }
    return all;
  }

  private Path image(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, new byte[1 << 20]);
    return file;
  }

  private String imported(Path file) {
    StringWriter out = new StringWriter();
    int status =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(new StringWriter()))
            .execute("import", "tgt", file.toString());
    assertThat(status).isZero();
    return out.toString();
  }

  @Test
  void initiatorsFindTheSameDisks() throws Exception {
    Tools.require("tgtd", "tgtadm", "tgt-admin");
    Tools.requireThat(Files.isWritable(Path.of("/var/run")), "tgtd needs to write to /var/run");
    Path conf =
        Files.writeString(
            folder.resolve("targets.conf"),
            """
            <target %s>
              backing-store %s
              backing-store %s
            </target>
            <target %s>
              <backing-store %s>
                scsi_id "IET     cafe0001"
                scsi_sn 4711-0815
                vendor_id ACME
                product_id Disk of vm1
                product_rev 1.2
                lun 7
              </backing-store>
              incominguser vm1 secretpass1234
            </target>
            """
                .formatted(PLAIN, image("b.img"), image("a.img"), NAMED, image("vm1.img")));
    Map<String, Names> before = new TreeMap<>();
    String dump;
    try (Tgtd tgtd = Tgtd.start(folder)) {
      tgtd.admin("-e", "-c", conf.toString());
      before.putAll(all(tgtd.portal));
      dump = tgtd.admin("--dump");
    }
    assertThat(before).hasSize(3);
    String ours =
        imported(conf)
            .replaceFirst("portals = .*", "portals = [\"127.0.0.1:0\"]\n state-dir = state");
    try (ServerProcess server = ServerProcess.serving(folder, ours)) {
      Map<String, Names> after = all(Site.address(server.portal()));
      assertThat(after.keySet()).isEqualTo(before.keySet());
      after.forEach((lun, names) -> {
        Names theirs = Objects.requireNonNull(before.get(lun));
        assertThat(names.vendorAndProduct()).as(lun).isEqualTo(theirs.vendorAndProduct());
        assertThat(names.revision()).as(lun).isEqualTo(theirs.revision());
        assertThat(names.serial()).as(lun).isEqualTo(theirs.serial());
        assertThat(names.t10()).as(lun).isEqualTo(theirs.t10());
        assertThat(theirs.naa()).as(lun + ": one of those that tgtd has").containsAll(names.naa());
        assertThat(names.naa().getFirst()).as(lun + ": the one for the WWID").startsWith("6");
      });
    }
    assertDumpIsRead(dump);
  }

  /** A dump has no secrets: the target must not become open for that. */
  private void assertDumpIsRead(String dump) throws IOException {
    String read = imported(Files.writeString(folder.resolve("dump.conf"), dump));
    assertThat(read)
        .contains(PLAIN, NAMED, folder + "/vm1.img", "user = \"vm1\"")
        .contains("the secret of user vm1 is not in the file")
        .doesNotContain("secretpass1234", "PLEASE_CORRECT_THE_PASSWORD\"");
  }

  private Map<String, Names> all(InetSocketAddress portal) throws Exception {
    Map<String, Names> names = new TreeMap<>();
    try (Initiator initiator = new Initiator()) {
      Session plain = Initiator.await(initiator.login(portal, SessionOptions.normal(PLAIN)), 60);
      names.put("plain 1", names(plain, 1));
      names.put("plain 2", names(plain, 2));
      Session named =
          Initiator.await(
              initiator.login(
                  portal,
                  SessionOptions.normal(NAMED)
                      .chap(ChapCredentials.of("vm1", "secretpass1234", Chap.MD5))),
              60);
      names.put("named 7", names(named, 7));
      Initiator.await(plain.logout(), 60);
      Initiator.await(named.logout(), 60);
    }
    return names;
  }

  /** A tgtd with a portal and a control socket of its own. */
  private static final class Tgtd implements AutoCloseable {
    final InetSocketAddress portal;
    private final Process process;
    private final String control;

    private Tgtd(Process process, String control, InetSocketAddress portal) {
      this.process = process;
      this.control = control;
      this.portal = portal;
    }

    static Tgtd start(Path folder) throws Exception {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      // It names a socket file, not a TCP port.
      String control = Long.toString(20_000 + ProcessHandle.current().pid() % 10_000);
      Process process =
          new ProcessBuilder(
                  "/usr/sbin/tgtd", "-f", "-C", control, "--iscsi", "portal=127.0.0.1:" + port)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("tgtd.log").toFile())
              .start();
      Tgtd tgtd =
          new Tgtd(process, control, new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      Await.until("tgtd listens", tgtd::listens);
      return tgtd;
    }

    private boolean listens() {
      try (Socket probe = new Socket()) {
        probe.connect(portal, 1000);
        return true;
      } catch (IOException e) {
        assertThat(process.isAlive()).as("tgtd runs").isTrue();
        return false;
      }
    }

    String admin(String... words) throws Exception {
      List<String> command = new ArrayList<>(List.of("tgt-admin", "-C", control));
      command.addAll(List.of(words));
      return Tools.run(60, command.toArray(String[]::new)).expect(0).output();
    }

    @Override
    public void close() {
      process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
    }
  }
}
