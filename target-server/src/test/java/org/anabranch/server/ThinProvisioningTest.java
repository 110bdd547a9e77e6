// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.control.ControlClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thin provisioning is real: what an initiator unmaps is space on the server's disk again, GET LBA
 * STATUS tells so, the blocks read as zeros, and a snapshot keeps what it saw.
 */
final class ThinProvisioningTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { vm1 { path = vm1.img, size = 16 MiB } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@before" } } }
      }
      """;
  private static final int BLOCKS = 32768;
  private static final int MOST = 2048;

  @TempDir Path folder;

  /** Blocks of 512 bytes that the volume's file has on disk. */
  private long onDisk() throws Exception {
    String file = folder.resolve("vm1.img").toString();
    return Long.parseLong(Tools.run(10, "stat", "-c", "%b", file).expect(0).output().trim());
  }

  private static Disk attach(Initiator initiator, ServerProcess server, int lun) throws Exception {
    InetSocketAddress portal =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
    Session session = Initiator.await(initiator.login(portal, SessionOptions.normal(TARGET)), 30);
    return Initiator.await(Disk.open(session, lun), 30);
  }

  private static void write(Disk disk, byte[] bytes) throws Exception {
    for (int lba = 0; lba < BLOCKS; lba += MOST) {
      ByteBuffer piece = ByteBuffer.wrap(bytes, lba * 512, MOST * 512).slice();
      Initiator.await(disk.write(lba, piece), 30);
    }
    Initiator.await(disk.flush(), 30);
  }

  private static byte[] read(Disk disk) throws Exception {
    ByteBuffer all = ByteBuffer.allocate(BLOCKS * 512);
    for (int lba = 0; lba < BLOCKS; lba += MOST) {
      all.put(Initiator.await(disk.read(lba, MOST), 30).rewind());
    }
    return all.array();
  }

  /** As {@code lba+blocks state}, one for each descriptor of GET LBA STATUS. */
  private static String status(Disk disk) throws Exception {
    byte[] cdb = ByteBuffer.allocate(16).put(0, (byte) 0x9e).put(1, (byte) 0x12).array();
    ByteBuffer data =
        Initiator.await(disk.in(ByteBuffer.wrap(cdb).putInt(10, 512).array(), 512), 30);
    StringBuilder text = new StringBuilder();
    int end = data.getInt(0) + 4;
    for (int at = 8; at < end; at += 16) {
      text.append(data.getLong(at)).append('+').append(data.getInt(at + 8));
      text.append(data.get(at + 12) == 0 ? " mapped " : " free ");
    }
    return text.toString().trim();
  }

  private static byte[] withHole(byte[] bytes, int lba, int blocks) {
    byte[] copy = bytes.clone();
    Arrays.fill(copy, lba * 512, (lba + blocks) * 512, (byte) 0);
    return copy;
  }

  @Test
  void whatIsUnmappedIsFreeOnDiskAndASnapshotKeepsWhatItSaw() throws Exception {
    byte[] full = new byte[BLOCKS * 512];
    new Random(1).nextBytes(full);
    byte[] before = withHole(full, 8192, 8192);
    byte[] after = withHole(before, 20480, 4096);
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION);
        Initiator initiator = new Initiator()) {
      Disk disk = attach(initiator, server, 0);
      assertThat(onDisk()).isLessThan(1024);
      write(disk, full);
      long written = onDisk();
      assertThat(written).isGreaterThanOrEqualTo(BLOCKS);
      assertThat(status(disk)).isEqualTo("0+32768 mapped");

      Initiator.await(disk.unmap(8192, 8192), 30);
      assertThat(onDisk()).isEqualTo(written - 8192);
      assertThat(status(disk)).isEqualTo("0+8192 mapped 8192+8192 free 16384+16384 mapped");
      assertThat(read(disk)).isEqualTo(before);

      new ControlClient(folder.resolve("state/control.sock"))
          .ask("snapshot create", Map.of("volume", "vm1", "name", "before"), progress -> {});
      Disk snapshot = Initiator.await(Disk.open(disk.session(), 1), 30);
      Initiator.await(disk.unmap(20480, 4096), 30);
      assertThat(onDisk()).isEqualTo(written - 8192 - 4096);
      assertThat(status(disk))
          .isEqualTo(
              "0+8192 mapped 8192+8192 free 16384+4096 mapped 20480+4096 free 24576+8192 mapped");
      assertThat(read(disk)).isEqualTo(after);
      assertThat(read(snapshot)).isEqualTo(before);
      // A snapshot gives no space back, and tells where it has holes.
      assertThat(status(snapshot)).isEqualTo("0+8192 mapped 8192+8192 free 16384+16384 mapped");
      assertThat(Initiator.await(snapshot.inquiry(0xb2), 30).get(5))
          .as("LBPRZ alone")
          .isEqualTo((byte) 4);
      byte[] written3 = new byte[512];
      Arrays.fill(written3, (byte) 3);
      Initiator.await(snapshot.write(10_000, ByteBuffer.wrap(written3)), 30);
      assertThat(status(snapshot))
          .as("a chunk of 8 KiB has data now")
          .isEqualTo(
              "0+8192 mapped 8192+1808 free 10000+16 mapped 10016+6368 free 16384+16384 mapped");
      Initiator.await(snapshot.write(10_000, ByteBuffer.allocate(512)), 30);
      assertThat(read(snapshot)).isEqualTo(before);
    }
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION);
        Initiator initiator = new Initiator()) {
      Disk disk = attach(initiator, server, 0);
      assertThat(read(disk)).isEqualTo(after);
      assertThat(read(Initiator.await(Disk.open(disk.session(), 1), 30))).isEqualTo(before);
      assertThat(server.terminate()).isZero();
    }
  }
}
