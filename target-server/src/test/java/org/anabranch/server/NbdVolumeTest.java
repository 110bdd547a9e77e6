// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.server.serve.Server;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Volumes on exports of other people's NBD servers. */
@Timeout(120)
final class NbdVolumeTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int BYTES = 8 << 20;
  private static final ExecutorService STARTER =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("starter").unstarted(task));

  @TempDir private Path folder;
  private Site site;
  private final Initiator initiator = new Initiator();
  private final List<Process> servers = new ArrayList<>();
  private @Nullable Server server;

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the site
  void setUp() {
    site = new Site(folder);
  }

  @AfterEach
  void close() throws Exception {
    if (server != null) {
      server.close();
    }
    initiator.close();
    for (Process each : servers) {
      each.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    }
  }

  private Path socket() {
    return folder.resolve("nbd.sock");
  }

  private String uri() {
    return "nbd+unix:///disk?socket=" + socket();
  }

  /**
   * Starts a program by a thread that outlives the test: nbdkit ends with the thread it is from.
   */
  private Process start(String... command) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("nbd.log").toFile());
    Process process = STARTER.submit(builder::start).get(30, TimeUnit.SECONDS);
    servers.add(process);
    return process;
  }

  /** Starts a program that listens at the socket. */
  private Process listen(String... command) throws Exception {
    Files.deleteIfExists(socket());
    start("nbdkit", "-f", "-i", "127.0.0.1", "-p", "" + port, "memory", "" + BYTES);
    serve("nbd = \"nbd://127.0.0.1:" + port + "/\"");
    Await.until(
        "it listens",
        () -> {
          if (warnings().contains("no NBD server listens there")) {
            try {
              site.ask("volume retry", Map.of("volume", "vm1"));
            } catch (AssertionError e) {
              return false;
            }
          }
          return !warnings().contains("vm1");
        });
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    reads(disk, 0, 8, 5);
  }

  @Test
  void whatCannotBeDoneIsRefusedWithTheReason() throws Exception {
    Tools.require("nbdkit");
    nbdkit("memory", "" + BYTES);
    serve("nbd = \"" + uri() + "\", size = 16 MiB");
    assertThat(warnings()).contains("less than the size of 16 MiB").contains("cannot be extended");
    server.close();
    serve("nbd = \"" + uri() + "\"");
    assertThat(site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 16 << 20)))
        .contains("vm1");
    assertThatThrownBy(() -> Initiator.await(disk(0).read(BYTES / 512, 1), 30))
        .isInstanceOf(ScsiException.class);
  }
}
