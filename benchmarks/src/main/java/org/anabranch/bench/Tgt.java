// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Debian's tgt with its defaults, except for bursts as large as ours and permitted digests. */
final class Tgt extends ServerProcess {
  private static final String TARGET = "iqn.2026-11.org.example:tgt";

  private static final List<String> PARAMETERS =
      List.of(
          "MaxRecvDataSegmentLength=262144",
          "MaxBurstLength=1048576",
          "HeaderDigest=CRC32C,None",
          "DataDigest=CRC32C,None");

  private final String control;

  private Tgt(Process process, int port, String control) {
    super("tgt", process, port);
    this.control = control;
  }

  /** Starts a server with a LUN for each file; must run as root. */
  static Tgt start(Path folder, List<Path> files) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    int port = freePort();
    String control = Integer.toString(port % 10_000); // part of a socket's name, not a port
    Process process =
        start(
            folder.resolve("tgtd.log").toFile(),
            List.of("/usr/sbin/tgtd", "-f", "-C", control, "--iscsi", "portal=127.0.0.1:" + port));
    Tgt tgt = new Tgt(process, port, control);
    try {
      tgt.awaitPortal();
      tgt.admin("--op", "new", "--mode", "target", "--tid", "1", "-T", TARGET);
      for (int i = 0; i < files.size(); i++) {
        String lun = Integer.toString(i + 1);
        String file = files.get(i).toString();
        tgt.admin("--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", lun, "-b", file);
      }
      tgt.admin("--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL");
      for (String parameter : PARAMETERS) {
        String[] parts = parameter.split("=", -1);
        tgt.admin(
            "--op", "update", "--mode", "target", "--tid", "1", "-n", parts[0], "-v", parts[1]);
      }
    } catch (IOException e) {
      tgt.close();
      throw e;
    }
    return tgt;
  }

  private void admin(String... arguments) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("/usr/sbin/tgtadm", "-C", control, "--lld=iscsi"));
    line.addAll(List.of(arguments));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
  }

  @Override
  String target() {
    return TARGET;
  }

  @Override
  int firstLun() {
    return 1; // 0 is the controller
  }
}
