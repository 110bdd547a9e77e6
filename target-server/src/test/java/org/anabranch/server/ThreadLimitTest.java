// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server of a user of its own, who has as many threads as he may have. Needs root, who may become
 * that user.
 */
@Timeout(120)
final class ThreadLimitTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";

  /** Nobody else has it, so only the server's threads count. */
  private static final String USER = "64099";

  private static final List<String> AS_USER =
      List.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups");

  @TempDir private Path folder;

  @BeforeEach
  void becomeTheUser() throws Exception {
    Tools.require("setpriv", "prlimit", "chown");
    Tools.requireThat(
        System.getProperty("os.arch").equals("amd64"), "signals need a thread on this machine");
    Files.writeString(
        folder.resolve("anabranch.conf"),
        """
        anabranch {
          portals = ["127.0.0.1:0"]
          state-dir = state
          volumes { v { path = v.img, size = 4 MiB } }
          targets { "%s" { luns { 0 = v } } }
        }
        """
            .formatted(TARGET));
    Tools.run(10, "chown", "-R", USER + ":" + USER, folder.toString());
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!entry.isEmpty() && asUser("test", "-r", entry).status() != 0) {
        abort("another user cannot read " + entry); // as below the home of root
      }
    }
    if (asUser("test", "-w", folder.toString()).status() != 0) {
      abort("another user cannot write to " + folder);
    }
  }

  private static Tools.Result asUser(String... command) throws Exception {
    List<String> line = new ArrayList<>(AS_USER);
    line.addAll(List.of(command));
    return Tools.run(10, line.toArray(String[]::new));
  }

  private static int threads(ServerProcess server) {
    String[] tasks = new File("/proc/" + server.process().pid() + "/task").list();
    return tasks == null ? 0 : tasks.length;
  }

  /** How many threads wait for signals: they begin soon after the server is ready. */
  private static int signalThreads(ServerProcess server) {
    int count = 0;
    File[] tasks = new File("/proc/" + server.process().pid() + "/task").listFiles();
    for (File task : tasks == null ? new File[0] : tasks) {
      try {
        count += Files.readString(task.toPath().resolve("comm")).equals("signals\n") ? 1 : 0;
      } catch (IOException e) { // it has ended
      }
    }
    return count;
  }

  private static void allowNoMoreThreads(ServerProcess server) throws Exception {
    Await.until("threads for signals", () -> signalThreads(server), count -> count == 2);
    String now = Integer.toString(threads(server));
    asUser("prlimit", "--pid", Long.toString(server.process().pid()), "--nproc=" + now + ":" + now)
        .expect(0);
  }

  /** The JDK would drop the signal, as below. */
  @Test
  void aSignalReloadsItAllTheSame() throws Exception {
    try (ServerProcess server = ServerProcess.servingAs(AS_USER, folder)) {
      allowNoMoreThreads(server);
      Path file = folder.resolve("anabranch.conf");
      Files.writeString(
          file, Files.readString(file).replace("state-dir", "merge-grace = 5 min, state-dir"));
      for (int i = 1; i <= 2; i++) {
        int times = i;
        Tools.run(10, "kill", "-HUP", Long.toString(server.process().pid())).expect(0);
        Await.until(
            "SIGHUP is logged",
            server::errors,
            log -> log.split("SIGHUP: (reloaded|nothing has changed)", -1).length > times);
      }
      assertThat(server.errors()).contains("SIGHUP: reloaded");
      assertThat(server.terminate()).as(server.errors()).isZero();
    }
  }

  /** The JDK starts a thread for each signal, and drops the signal when there is none. */
  @Test
  void aSignalStopsItAllTheSame() throws Exception {
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = ServerProcess.servingAs(AS_USER, folder)) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      Initiator.await(disk.write(0, ByteBuffer.allocate(4096)), 30);
      int now = threads(server);
      allowNoMoreThreads(server);
      Initiator.await(disk.write(8, ByteBuffer.allocate(4096)), 30);
      long begin = System.nanoTime();
      assertThat(server.terminate()).as(server.errors()).isZero();
      long millis = (System.nanoTime() - begin) / 1_000_000;
      System.out.printf("SIGTERM at the limit of %d threads: ended after %d ms%n", now, millis);
      assertThat(millis).isLessThan(10_000);
      assertThat(server.errors()).contains("server: stopping");
    }
  }
}
