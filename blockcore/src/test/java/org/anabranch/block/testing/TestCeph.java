// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One node of Ceph on loopback, by {@code test-lab/ceph}, for the tests of one class. */
public final class TestCeph implements AutoCloseable {
  private static final int SKIPPED = 77;

  private final Path script;
  private final Path folder;
  private final Path conf;

  private TestCeph(Path script, Path folder, Path conf) {
    this.script = script;
    this.folder = folder;
    this.conf = conf;
  }

  /**
   * Starts one. Without Ceph's programs the test is skipped, or fails with {@code
   * -Danabranch.ceph=true}. With {@code -Danabranch.ceph=false} it is skipped everywhere. A durable
   * one, whose OSD is killed, starts only with {@code true}: once in some twenty runs on a busy
   * machine its OSD is not back after the 30 s that a request may take.
   *
   * @param durable whether what is written outlives the OSD
   */
  public static TestCeph require(boolean durable) throws IOException, InterruptedException {
    return require(durable, durable ? List.of("--bluestore") : List.of(), List.of());
  }

  /**
   * Starts one with three OSDs, each of which has a copy of everything in memory. Two of them are
   * enough.
   */
  public static TestCeph requireReplicas() throws IOException, InterruptedException {
    return require(true, List.of("--osds", "3"), List.of());
  }

  /**
   * Starts a durable one whose disk loses at a {@link #cutPower} what was not synced.
   *
   * @param lying whether it loses what was synced as well
   */
  public static TestCeph requireWithPower(boolean lying) throws IOException, InterruptedException {
    return require(true, List.of("--power"), lying ? List.of("env", "UNSYNCED_LIES=1") : List.of());
  }

  private static TestCeph require(boolean durable, List<String> options, List<String> environment)
      throws IOException, InterruptedException {
    String wanted = System.getProperty("anabranch.ceph", durable ? "false" : "where it is");
    if (wanted.equals("false")) {
      abort("the tests that kill an OSD of a Ceph cluster run with -Danabranch.ceph=true");
    }
    Path script = find();
    // In a short path, for the sake of sockets.
    Path folder = Files.createTempDirectory(Path.of("/tmp"), "anabranch-ceph-");
    List<String> command = new ArrayList<>(environment);
    command.addAll(List.of(script.toString(), "up"));
    command.addAll(options);
    command.add(folder.toString());
    Output up = run(command.toArray(String[]::new));
    if (up.status() == SKIPPED) {
      Files.deleteIfExists(folder);
      if (Boolean.getBoolean("anabranch.ceph")) {
        fail(up.text());
      }
      abort(up.text());
    }
    assertThat(up.status()).as(up.text()).isZero();
    return new TestCeph(script, folder, folder.resolve("ceph.conf"));
  }

  private static Path find() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isExecutable(at.resolve("test-lab/ceph"))) {
        return at.resolve("test-lab/ceph");
      }
    }
    throw new AssertionError("no test-lab/ceph above " + Path.of("").toAbsolutePath());
  }

  private record Output(int status, String text) {}

  private static Output run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("ceph", ".txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      if (!process.waitFor(120, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        fail("%s does not end:%n%s", Arrays.toString(command), Files.readString(output));
      }
      return new Output(
          process.exitValue(), Files.readString(output, StandardCharsets.UTF_8).strip());
    } finally {
      Files.delete(output);
    }
  }

  /** The path of its configuration file. */
  public Path conf() {
    return conf;
  }

  /** Runs {@code ceph} or {@code rbd}, which must succeed, and returns what it printed. */
  public String run(String program, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program, "-c", conf.toString()));
    command.addAll(arguments);
    Output output = run(command.toArray(String[]::new));
    assertThat(output.status()).as(output.text()).isZero();
    return output.text();
  }

  /** Kills an OSD. */
  public void killOsd(int id) throws IOException, InterruptedException {
    lab("kill-osd", "--osd", "" + id);
  }

  /** Starts the OSD again; only where it is durable. */
  public void startOsd() throws IOException, InterruptedException {
    lab("start-osd");
  }

  /**
   * The machine of the OSD loses its power, and with it another process: both die at one moment,
   * and the disk loses some of what was not synced.
   *
   * @param seed decides what
   * @return how many blocks were not synced, and how many of them were lost
   */
  public long[] cutPower(Process other, long seed) throws IOException, InterruptedException {
    Output killed = run("kill", "-KILL", osd(), "" + other.pid());
    assertThat(killed.status()).as(killed.text()).isZero();
    Output cut = run("env", "SEED=" + seed, script.toString(), "power-cut", folder.toString());
    assertThat(cut.status()).as(cut.text()).isZero();
    return Arrays.stream(cut.text().replaceAll("[^0-9 ]", "").strip().split(" +"))
        .mapToLong(Long::parseLong)
        .toArray();
  }

  /** Stops the OSD by SIGSTOP, until {@link #continueOsd}; none of its threads runs any more. */
  public void stopOsd() throws IOException, InterruptedException {
    signal("-STOP");
    Path threads = Path.of("/proc", osd(), "task");
    Await.until(
        "the OSD stands still",
        () -> {
          try (Stream<Path> all = Files.list(threads)) {
            for (Path thread : all.toList()) {
              String state = Files.readString(thread.resolve("stat")).replaceAll("(?s).*\\) ", "");
              if (!state.startsWith("T")) {
                return false;
              }
            }
            return true;
          }
        });
  }

  public void continueOsd() throws IOException, InterruptedException {
    signal("-CONT");
  }

  private void signal(String signal) throws IOException, InterruptedException {
    Output output = run("kill", signal, osd());
    assertThat(output.status()).as(output.text()).isZero();
  }

  private String osd() throws IOException {
    return Files.readString(folder.resolve("osd.0.pid")).strip();
  }

  private void lab(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(words));
    command.add(folder.toString());
    Output output = run(command.toArray(String[]::new));
    assertThat(output.status()).as(output.text()).isZero();
  }

  @Override
  public void close() throws IOException {
    try {
      lab("down");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Ceph was ended", e);
    }
  }
}
