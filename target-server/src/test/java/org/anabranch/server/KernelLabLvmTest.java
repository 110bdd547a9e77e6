// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code cow} reads what LVM2 made, see test-lab/guest/lvm-cow.sh. */
@TakesLong
final class KernelLabLvmTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final long COW_BYTES = 4L << 20;

  @TempDir private Path folder;

  @BeforeAll
  static void lab() {
    Tools.require("qemu-system-x86_64", "bash");
    String folder = Objects.requireNonNullElse(System.getenv("LAB"), "/tmp/kernel-lab");
    Tools.requireThat(
        Files.exists(Path.of(folder, "vmlinux")),
        "no kernel lab in " + folder + ": run test-lab/build, or set LAB");
  }

  private Path disk(String name, long bytes) throws Exception {
    Path disk = folder.resolve(name);
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(bytes);
    }
    return disk;
  }

  private static String anabranch(String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(words);
    assertThat(status).as(out + "" + err).isZero();
    return out.toString();
  }

  @Test
  void lvmsCowVolumeIsAsTheKernelSaysItIs() throws Exception {
    String cow = disk("cow.img", COW_BYTES).toString();
    String console =
        Tools.run(
                330,
                "bash",
                LAB.resolve("run").toString(),
                LAB.resolve("guest/lvm-cow.sh").toString(),
                "--timeout",
                "300",
                "--disk",
                disk("pv.img", 32L << 20).toString(),
                "--disk",
                cow)
            .expect(0)
            .output();
    assertThat(console).contains("GUEST-OK", "COW-BYTES " + COW_BYTES + "\n");
    String status = console.replaceAll("(?s).*STATUS 0 16384 snapshot ([^\n]*)\n.*", "$1");

    assertThat(anabranch("cow", "check", cow))
        .isEqualTo(cow + ": good, 51 exceptions in 1 area, " + status + "\n");
    assertThat(anabranch("cow", "dump", cow)).contains("chunks of 8 sectors");
    Map<String, Object> dump = Json.parse(anabranch("cow", "dump", "--json", cow));
    assertThat(dump).containsEntry("status", status).containsEntry("good", true);
    List<String> runs =
        Json.objects(dump, "runs").stream()
            .map(each -> each.get("old") + "+" + each.get("count"))
            .toList();
    assertThat(runs).containsExactly("0+10", "300+1", "2000+40"); // what the guest wrote
  }
}
