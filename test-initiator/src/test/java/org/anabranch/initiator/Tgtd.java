// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Debian's tgtd with one target of one LUN, as a peer that nobody here wrote. */
final class Tgtd implements AutoCloseable {
  static final String TARGET = "iqn.2026-11.org.anabranch:tgt";

  private final Process process;
  private final int control;
  private final InetSocketAddress portal;
  private final Path file;

  private Tgtd(Process process, int control, InetSocketAddress portal, Path file) {
    this.process = process;
    this.control = control;
    this.portal = portal;
    this.file = file;
  }

  /** Starts one with a disk of {@code bytes}, or skips the test that wants it. */
  static Tgtd start(Path directory, long bytes) throws Exception {
    String missing = missing();
    if (missing != null) {
      if (Boolean.getBoolean("anabranch.requireTools")) {
        throw new AssertionError(missing);
      }
      System.out.println("skipped: " + missing);
      assumeTrue(false, missing);
    }
    Files.createDirectories(directory);
    Path file = directory.resolve("tgt.img");
    try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
      disk.setLength(bytes);
    }
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    // The control port names a socket file, not a TCP port: the process id keeps it apart.
    int control = (int) (ProcessHandle.current().pid() % 10_000) * 3 + port % 3;
    Process process =
        new ProcessBuilder(
                "tgtd",
                "-f",
                "-C",
                Integer.toString(control),
                "--iscsi",
                "portal=127.0.0.1:" + port)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("tgtd.log").toFile())
            .start();
    Tgtd tgtd =
        new Tgtd(
            process, control, new InetSocketAddress(InetAddress.getLoopbackAddress(), port), file);
    try {
      tgtd.awaitPortal();
      tgtd.admin("--op new --mode target --tid 1 -T " + TARGET);
      tgtd.admin("--op new --mode logicalunit --tid 1 --lun 1 -b " + file.toAbsolutePath());
      tgtd.admin("--op bind --mode target --tid 1 -I ALL");
      for (String key :
          List.of(
              "InitialR2T No",
              "HeaderDigest CRC32C,None",
              "DataDigest CRC32C,None",
              "MaxBurstLength 1048576",
              "FirstBurstLength 262144",
              "MaxOutstandingR2T 16")) {
        tgtd.admin("--op update --mode target --tid 1 -n " + key.replace(" ", " -v "));
      }
      return tgtd;
    } catch (Exception | AssertionError e) {
      tgtd.close();
      throw e;
    }
  }

  private static @Nullable String missing() {
    for (String tool : List.of("tgtd", "tgtadm")) {
      if (!Files.isExecutable(Path.of("/usr/sbin", tool))) {
        return "no /usr/sbin/" + tool + " (Debian package tgt)";
      }
    }
    if (!Files.isWritable(Path.of("/var/run"))) {
      return "tgtd needs to write its control socket under /var/run";
    }
    return null;
  }

  private void awaitPortal() throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (true) {
      try (Socket probe = new Socket()) {
        probe.connect(portal, 1000);
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new AssertionError("tgtd does not listen on " + portal, e);
        }
        process.waitFor(20, TimeUnit.MILLISECONDS);
      }
    }
  }

  /** Runs tgtadm with these arguments, divided by spaces. */
  void admin(String arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("tgtadm", "-C", Integer.toString(control), "--lld", "iscsi"));
    command.addAll(List.of(arguments.split(" ")));
    Process tgtadm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(tgtadm.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (tgtadm.waitFor() != 0) {
      throw new AssertionError(String.join(" ", command) + ": " + output);
    }
  }

  InetSocketAddress portal() {
    return portal;
  }

  /** What is behind the LUN. */
  Path file() {
    return file;
  }

  @Override
  public void close() {
    process.destroy();
    process
        .onExit()
        .orTimeout(5, TimeUnit.SECONDS)
        .exceptionally(late -> process.destroyForcibly())
        .join();
  }
}
