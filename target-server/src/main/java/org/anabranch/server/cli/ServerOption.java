// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.server.base.EmbeddedDefaults;
import org.anabranch.server.control.ControlClient;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which server a command is for. */
final class ServerOption {
  private static final Path STANDARD = Path.of("/var/lib/anabranch/control.sock");

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "The server's control socket; without it ./anabranch-data/control.sock if there is one,"
              + " else /var/lib/anabranch/control.sock.")
  private @Nullable Path socket;

  @Option(names = "--json", description = "Print the answer as JSON.")
  private boolean json;

  boolean json() {
    return json;
  }

  ControlClient client() {
    if (socket != null) {
      return new ControlClient(socket);
    }
    Path here = Path.of(EmbeddedDefaults.FOLDER, "control.sock");
    return new ControlClient(Files.exists(here) ? here : STANDARD);
  }
}
