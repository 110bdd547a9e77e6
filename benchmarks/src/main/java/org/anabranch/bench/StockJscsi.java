// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** jSCSI's own target server with its own kind of file: see build/StockJscsi.java. */
final class StockJscsi extends ServerProcess {
  private static final String TARGET = "iqn.2026-11.org.example:jscsi";

  private StockJscsi(Process process, int port) {
    super("jscsi", process, port);
  }

  /** Starts a server with one LUN. */
  static StockJscsi start(Path root, Path folder, Path file)
      throws IOException, InterruptedException {
    Files.createDirectories(folder);
    int port = freePort();
    Process process =
        start(
            folder.resolve("jscsi.log").toFile(),
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-cp",
                root.resolve("target-server/target/lib") + "/*",
                root.resolve("build/StockJscsi.java").toString(),
                Integer.toString(port),
                TARGET,
                file.toString()));
    StockJscsi server = new StockJscsi(process, port);
    try {
      server.awaitPortal();
    } catch (IOException e) {
      server.close();
      throw e;
    }
    return server;
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
