// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Our server, by its launcher, as a user starts it. */
final class Anabranch extends ServerProcess {
  private static final String TARGET = "iqn.2026-11.org.anabranch:bench";

  private final Path launcher;
  private final Path state;

  private Anabranch(String name, Process process, int port, Path launcher, Path state) {
    super(name, process, port);
    this.launcher = launcher;
    this.state = state;
  }

  /** Starts one with a volume for each file, {@code disk0} and so on, as LUNs from 0 on. */
  static Anabranch start(Path launcher, Path folder, List<Path> files)
      throws IOException, InterruptedException {
    List<String> names = new ArrayList<>();
    StringBuilder volumes = new StringBuilder();
    for (Path file : files) {
      names.add("disk" + names.size());
      volumes.append("    %s { path = \"%s\" }%n".formatted(names.getLast(), file));
    }
    return start("anabranch", launcher, folder, "  volumes {\n" + volumes + "  }\n", names);
  }

  /**
   * Starts one with what a configuration file says.
   *
   * @param parts the configuration's {@code volumes} and {@code devices}
   * @param luns names of them, for LUN 0 and so on
   */
  static Anabranch start(String name, Path launcher, Path folder, String parts, List<String> luns)
      throws IOException, InterruptedException {
    Files.createDirectories(folder);
    int port = freePort();
    Path state = folder.resolve("state");
    StringBuilder numbered = new StringBuilder();
    for (int i = 0; i < luns.size(); i++) {
      numbered.append(" %d = \"%s\",".formatted(i, luns.get(i)));
    }
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(
        file,
        """
        anabranch {
          portals = ["127.0.0.1:%d"]
          state-dir = "%s"
        %s  targets { "%s" { luns {%s } } }
        }
        """
            .formatted(port, state, parts, TARGET, numbered));
    Process process =
        start(
            folder.resolve("anabranch.log").toFile(),
            List.of(launcher.toString(), "serve", "--config", file.toString()));
    Anabranch server = new Anabranch(name, process, port, launcher, state);
    try {
      server.awaitPortal();
    } catch (IOException e) {
      server.close();
      throw e;
    }
    return server;
  }

  /** A command to it, which must succeed; its output. */
  String control(String... command) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of(launcher.toString()));
    line.addAll(List.of(command));
    line.addAll(List.of("--socket", state.resolve("control.sock").toString()));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
    return output;
  }

  @Override
  String target() {
    return TARGET;
  }

  @Override
  int firstLun() {
    return 0;
  }
}
