// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/initiators.md says to type on a Linux host and in an iPXE script, typed there: the
 * blocks with the marker {@code lab}, see {@link Page} and test-lab/README.md.
 */
@TakesLong
final class KernelLabPagesTest {
  private static final Path PAGE = Path.of("../docs/initiators.md");
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final Map<String, String> SECRETS =
      Map.of("VM1_SECRET", "correct-horse-16", "TARGET_SECRET", "battery-staple16");

  /** A guest and an iPXE reach this machine's loopback by this address. */
  private static final String SERVER = "10.0.2.2";

  private static final int SECTOR = 512;

  /** Boots: writes a line to the serial port, and halts. */
  private static final String BOOT_CODE = "fa31c08ed8be1c7cbaf803ac84c07403eeebf8f4ebfd";

  private static final int MESSAGE_AT = 0x1c;
  private static final String MESSAGE = "BOOTED FROM LUN 0";

  @TempDir private Path folder;

  @BeforeAll
  static void lab() {
    KernelLabTest.lab();
  }

  private static List<Page.Block> blocks(String language) throws IOException {
    return Page.read(PAGE).blocks().stream()
        .filter(block -> block.marker().equals("lab") && block.language().equals(language))
        .toList();
  }

  private ServerProcess serve() throws IOException {
    Page.Block configuration =
        Page.read(PAGE).blocks().stream()
            .filter(block -> block.marker().startsWith("file "))
            .findFirst()
            .orElseThrow();
    String text =
        String.join("\n", configuration.text())
            .replace(
                "[\"192.0.2.1:3260\"]",
                "[{ listen = \"127.0.0.1:0\", advertise = [\"" + SERVER + "\"] }]")
            .replaceAll("\"/(srv|var/lib)/", "\"" + folder + "/");
    Path file = Files.writeString(folder.resolve("anabranch.conf"), text);
    ServerProcess server = new ServerProcess(folder, SECRETS, "serve", "--config", file.toString());
    return server.ready();
  }

  /** With the server's address in the place of the page's. */
  private static String there(String text, ServerProcess server) {
    return text.replace("192.0.2.1::3260", SERVER + "::" + server.port())
        .replace("-p 192.0.2.1", "-p " + SERVER + ":" + server.port());
  }

  private static String asShown(String text, ServerProcess server) {
    return text.replace(SERVER, "192.0.2.1").replaceAll("([:,])" + server.port() + "\\b", "$13260");
  }

  @Test
  void aLinuxHostAttachesTheDiskAsThePageSays() throws Exception {
    try (ServerProcess server = serve()) {
      List<Page.Command> commands = new ArrayList<>();
      for (Page.Block block : blocks("console")) {
        commands.addAll(block.commands("# "));
      }
      StringBuilder script = new StringBuilder(". /lab/lib.sh\nstart_iscsid\n");
      for (int i = 0; i < commands.size(); i++) {
        script.append("echo; echo COMMAND ").append(i).append('\n');
        script.append(there(commands.get(i).line(), server)).append(" 2>&1 || exit 1\n");
      }
      script.append("echo; echo COMMAND end\n");
      Path guest = Files.writeString(folder.resolve("guest.sh"), script);
      String console =
          Tools.run(
                  230, "bash", LAB.resolve("run").toString(), guest.toString(), "--timeout", "200")
              .expect(0)
              .output();
      List<String> lines = asShown(console, server).lines().toList();
      for (int i = 0; i < commands.size(); i++) {
        String next = i + 1 < commands.size() ? "COMMAND " + (i + 1) : "COMMAND end";
        List<String> printed =
            lines.subList(lines.indexOf("COMMAND " + i) + 1, lines.indexOf(next) - 1);
        if (!commands.get(i).shown().isEmpty()) {
          PageOutput.compare(commands.get(i).line(), commands.get(i).shown(), printed);
        }
      }
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void ipxeBootsFromTheDiskAsThePageSays() throws Exception {
    byte[] sector = Arrays.copyOf(java.util.HexFormat.of().parseHex(BOOT_CODE), SECTOR);
    byte[] message = (MESSAGE + "\r\n").getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(message, 0, sector, MESSAGE_AT, message.length);
    sector[SECTOR - 2] = 0x55;
    sector[SECTOR - 1] = (byte) 0xaa;
    Files.write(folder.resolve("vm1.img"), sector);
    Path tftp = Files.createDirectory(folder.resolve("tftp"));
    try (ServerProcess server = serve()) {
      String script = String.join("\n", blocks("ipxe").getFirst().text()) + "\n";
      Files.writeString(tftp.resolve("boot.ipxe"), there(script, server));
      Process machine =
          new ProcessBuilder(
                  "qemu-system-x86_64",
                  "-accel",
                  "tcg",
                  "-m",
                  "128",
                  "-nographic",
                  "-no-reboot",
                  "-netdev",
                  "user,id=n,bootfile=boot.ipxe,tftp=" + tftp,
                  "-device",
                  "e1000,netdev=n",
                  "-boot",
                  "n")
              .redirectErrorStream(true)
              .start();
      try {
        StringBuilder console = new StringBuilder();
        var out = machine.inputReader(StandardCharsets.ISO_8859_1);
        while (console.indexOf(MESSAGE) < 0) {
          int next = out.read();
          assertThat(next).as("the machine has ended: %s", console).isNotNegative();
          console.append((char) next);
        }
      } finally {
        machine.destroyForcibly().waitFor();
      }
      assertThat(server.errors()).contains("iqn.2026-11.org.example:host1", "logged in to");
      assertThat(server.terminate()).isZero();
    }
  }
}
