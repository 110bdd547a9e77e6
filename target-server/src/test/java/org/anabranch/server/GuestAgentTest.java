// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example hook of the documentation against a guest agent of the test's own. */
final class GuestAgentTest {
  private static final Path SCRIPT =
      Path.of("../docs/anabranch-fsfreeze").toAbsolutePath().normalize();

  @TempDir private Path folder;
  private final List<String> asked = new CopyOnWriteArrayList<>();

  /** Answers as qemu-ga does, with the rest of another client's answer in front. */
  private void serve(ServerSocketChannel socket) {
    try {
      while (true) {
        try (SocketChannel client = socket.accept()) {
          answer(client);
        }
      }
    } catch (ClosedChannelException e) {
      asked.add("closed");
    } catch (IOException e) {
      asked.add(e.toString());
    }
  }

  private void answer(SocketChannel client) throws IOException {
    BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
    Writer out = Channels.newWriter(client, StandardCharsets.UTF_8);
    out.write("half an answer\n{\"return\": 5}\n");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<String, Object> command = Json.parse(line);
      String name = String.valueOf(command.get("execute"));
      asked.add(name);
      boolean broken = Files.exists(folder.resolve("broken")) && name.endsWith("freeze");
      out.write(
          name.equals("guest-sync")
              ? "{\"return\": "
                  + ((Map<?, ?>) Objects.requireNonNull(command.get("arguments"))).get("id")
                  + "}\n"
              : broken
                  ? "{\"error\": {\"class\": \"GenericError\", \"desc\": \"frozen already\"}}\n"
                  : "{\"return\": 2}\n");
      out.flush();
    }
  }

  @Test
  void theExampleFreezesAndThaws() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")));
    Path agent = folder.resolve("agent.sock");
    Site site = new Site(folder);
    try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.bind(UnixDomainSocketAddress.of(agent));
      Thread.ofPlatform().daemon().start(() -> serve(socket));
      try (ServerProcess server =
          site.serve(
              """
              volumes { vm1 { path = vm1.img, size = 1 MiB, hooks {
                before-create = ["%1$s", freeze, "%2$s"], after-create = ["%1$s", thaw, "%2$s"]
              } } }
              """
                  .formatted(SCRIPT, agent))) {
        site.ask("snapshot create", Map.of("names", List.of("vm1@a")));
        assertThat(asked)
            .containsExactly(
                "guest-sync", "guest-fsfreeze-freeze", "guest-sync", "guest-fsfreeze-thaw");
        asked.clear();
        Files.createFile(folder.resolve("broken"));
        assertThat(site.refusal("snapshot create", Map.of("names", List.of("vm1@b"))))
            .contains("hook before-create of vm1 failed with exit status 1")
            .contains("guest-fsfreeze-freeze: frozen already");
        assertThat(asked).endsWith("guest-fsfreeze-thaw");
        assertThat(server.terminate()).isZero();
      }
    }
  }
}
