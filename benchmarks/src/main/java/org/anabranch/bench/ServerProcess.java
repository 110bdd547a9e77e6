// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A server to be measured: a process on the loopback interface with one target, whose LUNs are
 * files of equal size. Linux only.
 */
abstract class ServerProcess implements AutoCloseable {
  private static final long START_SECONDS = 60;

  private final String name;
  private final Process process;
  private final int port;

  /** The process that stores what this one serves; 0: this one. */
  private long storage;

  /** Takes over a process that will listen on {@code port}. */
  ServerProcess(String name, Process process, int port) {
    this.name = name;
    this.process = process;
    this.port = port;
    // An interrupted benchmark leaves no server running.
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
  }

  static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  /** Starts a process and redirects its output to {@code log}. */
  static Process start(File log, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .redirectInput(new File("/dev/null"))
        .redirectErrorStream(true)
        .redirectOutput(log)
        .start();
  }

  /** Waits until it listens. Does not connect: jSCSI exits on a connection without a login. */
  final void awaitPortal() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (!listens()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new IOException(name + " does not listen on port " + port);
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Whether the kernel lists a listening socket (state 0A) with that port. */
  private boolean listens() throws IOException {
    String address = ":%04X ".formatted(port);
    for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
      for (String line : Files.readAllLines(Path.of(table))) {
        String[] fields = line.strip().split("\\s+", -1);
        if ((fields[1] + " ").endsWith(address) && fields[3].equals("0A")) {
          return true;
        }
      }
    }
    return false;
  }

  final boolean isAlive() {
    return process.isAlive();
  }

  /** Has the processor time of another process measured, too, which stores what this one serves. */
  final void storedBy(long pid) {
    storage = pid;
  }

  final String name() {
    return name;
  }

  final InetSocketAddress portal() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  /** The name of the target. */
  abstract String target();

  /** The number of the first LUN; the others follow it. */
  abstract int firstLun();

  /** The LUN's URL, for tools that take one. */
  final String url(int lun) {
    return "iscsi://127.0.0.1:" + port + "/" + target() + "/" + (firstLun() + lun);
  }

  /** The resources used so far. */
  final Usage usage() throws IOException {
    return Usage.of(process.pid(), storage);
  }

  /** The same at the start of a run. */
  final Usage usageAtBegin() throws IOException {
    Usage.resetPeak(process.pid());
    return usage();
  }

  /** Ends the process and waits for its end; after an interrupt it is killed at once. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (process.waitFor(10, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
  }
}
