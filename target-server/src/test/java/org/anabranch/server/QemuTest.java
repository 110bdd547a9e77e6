// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.anabranch.server.base.EmbeddedDefaults;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** QEMU's block layer as the initiator. */
final class QemuTest {
  private static final long SEED = Long.getLong("qemu.seed", 20261122);

  @TempDir Path folder;

  @BeforeAll
  static void tools() throws Exception {
    Tools.require("qemu-img", "qemu-io");
    Tools.requireThat(
        Tools.run(20, "qemu-img", "--help").output().contains("iscsi"),
        "qemu-img has no iscsi driver (package qemu-block-extra)");
  }

  @Test
  void aFileSystemGoesInAndComesOutWhole() throws Exception {
    Tools.require("mke2fs", "e2fsck");
    Path files = Files.createDirectories(folder.resolve("files/deep/er"));
    Random random = new Random(SEED);
    for (int i = 0; i < 300; i++) {
      byte[] content = new byte[random.nextInt(1 << (4 + i % 15))];
      random.nextBytes(content);
      Files.write((i % 2 == 0 ? files : folder.resolve("files")).resolve("file" + i), content);
    }
    Path image = folder.resolve("ext4.img");
    Tools.run(
            60,
            "mke2fs",
            "-q",
            "-t",
            "ext4",
            "-d",
            folder.resolve("files").toString(),
            image.toString(),
            "256M")
        .expect(0);

    try (ServerProcess server = ServerProcess.serving(folder)) {
      String url = server.url(EmbeddedDefaults.TARGET, 0);
      Tools.run(120, "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), url)
          .expect(0);
      // It ignores what is behind the end of the smaller one as long as it is zeros.
      assertThat(
              Tools.run(120, "qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), url)
                  .expect(0)
                  .output())
          .contains("Images are identical");
      assertThat(server.terminate()).isZero();
    }
    Path disk = folder.resolve("anabranch-data/disk0.img");
    Tools.run(60, "e2fsck", "-fn", disk.toString()).expect(0);
    assertThat(Files.mismatch(image, head(disk, Files.size(image)))).isEqualTo(-1);
  }

  private Path head(Path file, long bytes) throws IOException {
    Path head = folder.resolve("head.img");
    try (var from = java.nio.channels.FileChannel.open(file);
        var to =
            java.nio.channels.FileChannel.open(
                head,
                java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; ) {
        at += from.transferTo(at, bytes - at, to);
      }
    }
    return head;
  }

  /**
   * CHAP as a virtual machine's administrator sets it up, also for names that look like numbers.
   */
  @ParameterizedTest
  @ValueSource(strings = {"vm1", "0x1234", "0bQUJD"})
  void itProvesItselfWithASecretObject(String user) throws Exception {
    String target = "iqn.2026-11.org.example:vm1";
    String secret = "correct horse 16";
    String configuration =
        """
        anabranch {
          portals = ["127.0.0.1:0"], state-dir = state
          volumes { vm1 { path = vm1.img, size = 8 MiB } }
          targets { "%s" { luns { 0 = vm1 }, chap { user = "%s", secret = "%s" } } }
        }
        """
            .formatted(target, user, secret);
    byte[] content = new byte[8 << 20];
    new Random(SEED).nextBytes(content);
    Path image = Files.write(folder.resolve("content.img"), content);
    Path right = Files.writeString(folder.resolve("right"), secret);
    Path wrong = Files.writeString(folder.resolve("wrong"), "wrong horse 1616");
    try (ServerProcess server = ServerProcess.serving(folder, configuration)) {
      copy(image, server.portal(), target, user, right).expect(0);
      assertThat(Files.mismatch(image, folder.resolve("vm1.img"))).isEqualTo(-1);
      for (Tools.Result refused :
          List.of(
              copy(image, server.portal(), target, user, wrong),
              copy(image, server.portal(), target, user + "0", right))) {
        refused.expect(1);
        assertThat(refused.output()).contains("Failed to connect to LUN").contains("513");
      }
      assertThat(server.terminate()).isZero();
      assertThat(server.errors().lines().filter(line -> line.contains("refused")))
          .hasSize(2)
          .allMatch(line -> line.contains(" refused with 0201: "));
      assertThat(server.errors()).doesNotContain("horse").doesNotContain("ERROR");
    }
  }

  private static Tools.Result copy(
      Path image, String portal, String target, String user, Path secret) throws Exception {
    return Tools.run(
        60,
        "qemu-img",
        "convert",
        "--object",
        "secret,id=chap,file=" + secret,
        "-n",
        "-f",
        "raw",
        "--target-image-opts",
        image.toString(),
        "driver=iscsi,transport=tcp,portal="
            + portal
            + ",target="
            + target
            + ",lun=0,user="
            + user
            + ",password-secret=chap");
  }

  /**
   * A thousand reads and writes of 512 B to 1 MiB, eight in flight. In a batch of eight none
   * overlaps another's write, so a model knows what each read must find; qemu-io compares with the
   * batch's pattern byte itself ({@code -P}), and at the end the whole file is compared.
   */
  @Test
  void aThousandRandomReadsAndWritesMatchTheModel() throws Exception {
    int sectors = 1 << 16; // 32 MiB of the disk
    byte[] model = new byte[sectors]; // the byte that fills each sector
    Random random = new Random(SEED);
    StringBuilder script = new StringBuilder();
    int operations = 0;
    while (operations < 1000) {
      List<int[]> batch = new ArrayList<>();
      while (batch.size() < 8) {
        int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 2048 : 64);
        int[] range = {random.nextInt(sectors - length), length};
        if (batch.stream()
            .noneMatch(other -> other[0] < range[0] + range[1] && range[0] < other[0] + other[1])) {
          batch.add(range);
          operation(script, model, range[0], range[1], random);
          operations++;
        }
      }
      script.append("aio_flush\n");
    }
    script.append("flush\nquit\n");
    Path commands = Files.writeString(folder.resolve("commands"), script);
    try (ServerProcess server = ServerProcess.serving(folder)) {
      String url = server.url(EmbeddedDefaults.TARGET, 0);
      Tools.Result result =
          Tools.run(
                  120, "sh", "-c", "exec qemu-io -f raw -t none '" + url + "' < '" + commands + "'")
              .expect(0);
      assertThat(result.output())
          .doesNotContain("Pattern verification failed")
          .doesNotContain("failed:");
      assertThat(result.output().lines().filter(line -> line.contains("ops; ")))
          .hasSizeGreaterThanOrEqualTo(1000);
      assertThat(server.terminate()).isZero();
    }
    try (RandomAccessFile disk =
        new RandomAccessFile(folder.resolve("anabranch-data/disk0.img").toFile(), "r")) {
      byte[] sector = new byte[512];
      for (int i = 0; i < sectors; i++) {
        disk.readFully(sector);
        for (byte b : sector) {
          assertThat(b).as("sector %d, seed %d", i, SEED).isEqualTo(model[i]);
        }
      }
    }
  }

  private static void operation(
      StringBuilder script, byte[] model, int first, int count, Random random) {
    if (random.nextBoolean()) {
      byte pattern = (byte) (1 + random.nextInt(255));
      Arrays.fill(model, first, first + count, pattern);
      script.append("aio_write -P ").append(pattern & 0xff);
      range(script, first, count);
    } else {
      // A pattern is one byte, so a read ends where the next one's sectors begin.
      int end = first;
      while (end < first + count && model[end] == model[first]) {
        end++;
      }
      script.append("aio_read -P ").append(model[first] & 0xff);
      range(script, first, end - first);
    }
  }

  private static void range(StringBuilder script, int first, int count) {
    script.append(' ').append(first * 512L).append(' ').append(count * 512).append('\n');
  }
}
