// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One node of Ceph on loopback, which keeps its objects in memory: {@code test-lab/ceph}. It lives
 * until it is closed, or until this process ends.
 */
final class CephNode implements AutoCloseable {
  private final String script;
  private final Path folder;
  private final Thread atExit = new Thread(this::endAtExit);

  private CephNode(Path root) throws IOException {
    script = root.resolve("test-lab/ceph").toString();
    // A short path, since its sockets' names have room for only a hundred bytes.
    folder = Files.createTempDirectory(Path.of("/tmp"), "anabranch-ceph-");
  }

  /**
   * Starts one.
   *
   * @throws IOException with what the script says, such as which packages are missing
   */
  static CephNode start(Path root) throws IOException, InterruptedException {
    CephNode node = new CephNode(root);
    Runtime.getRuntime().addShutdownHook(node.atExit);
    try {
      run(List.of(node.script, "up", node.folder.toString()));
    } catch (IOException e) {
      node.close();
      throw e;
    }
    return node;
  }

  Path conf() {
    return folder.resolve("ceph.conf");
  }

  /** The process id of the OSD, which stores everything. */
  long osd() throws IOException {
    return Long.parseLong(Files.readString(folder.resolve("osd.0.pid")).strip());
  }

  /** Runs {@code rbd}, which must succeed. */
  void rbd(String... arguments) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("rbd", "-c", conf().toString()));
    line.addAll(List.of(arguments));
    run(line);
  }

  private static void run(List<String> line) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
  }

  private void endAtExit() {
    try {
      run(List.of(script, "down", folder.toString()));
    } catch (IOException | InterruptedException e) {
      System.err.println(e.getMessage());
    }
  }

  @Override
  public void close() throws IOException {
    try {
      run(List.of(script, "down", folder.toString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Ceph was ended", e);
    }
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
