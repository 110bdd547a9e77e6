// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Our server, started by its launcher as a user would start it. */
final class Anabranch extends ServerProcess {
  private static final String TARGET = "iqn.2026-11.org.anabranch:bench";
  private static final String READY = "anabranch: ready";
  private static final String MERGE = "snapshot-merge";
  private static final long READY_SECONDS = 60;

  /** Allocated sectors, and the metadata among them. */
  private static final Pattern MERGING =
      Pattern.compile(MERGE + "\",\"params\":\"(\\d+)/\\d+ (\\d+)");

  private final Path state;
  private double readySeconds;

  private Anabranch(String name, Process process, int port, Path state) {
    super(name, process, port);
    this.state = state;
  }

  /** Starts a server with a volume for each file, {@code disk0} and so on, as LUNs from 0. */
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
   * Starts a server with a configuration file.
   *
   * @param parts the configuration's {@code volumes} and {@code devices}
   * @param luns their names, for LUN 0 and so on
   */
  static Anabranch start(String name, Path launcher, Path folder, String parts, List<String> luns)
      throws IOException, InterruptedException {
    return start(name, List.of(launcher.toString()), folder, parts, luns);
  }

  /** The same, with a command instead of the launcher. */
  static Anabranch start(
      String name, List<String> command, Path folder, String parts, List<String> luns)
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
    Path log = folder.resolve("anabranch.log");
    long begin = System.nanoTime();
    List<String> words = new ArrayList<>(command);
    words.addAll(List.of("serve", "--config", file.toString()));
    Process process = start(log.toFile(), words);
    Anabranch server = new Anabranch(name, process, port, state);
    try {
      server.awaitReady(log);
      server.readySeconds = (System.nanoTime() - begin) / 1e9;
    } catch (IOException e) {
      server.close();
      throw e;
    }
    return server;
  }

  private void awaitReady(Path log) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
    while (!Files.readString(log).contains(READY)) {
      if (!isAlive() || System.nanoTime() > deadline) {
        throw new IOException(name() + " is not ready: " + Files.readString(log).strip());
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  /** Seconds from the start of the process to the ready line. */
  double readySeconds() {
    return readySeconds;
  }

  /** Creates the snapshot VOLUME@NAME with a store that initially has {@code storeBytes}. */
  void createSnapshot(String snapshot, int chunkBytes, long storeBytes) throws IOException {
    String[] names = snapshot.split("@", -1);
    ask(
        "snapshot create",
        "\"volume\":\"%s\",\"name\":\"%s\",\"chunk-sectors\":%d,\"size\":%d"
            .formatted(names[0], names[1], chunkBytes / 512, storeBytes));
  }

  void removeSnapshot(String snapshot) throws IOException {
    ask("snapshot remove", "\"name\":\"%s\"".formatted(snapshot));
  }

  /** Starts the merge of a snapshot at once. */
  void merge(String snapshot) throws IOException {
    ask("snapshot merge", "\"name\":\"%s\",\"now\":true".formatted(snapshot));
  }

  /** Sends a message to the target at sector 0 of a device. */
  void message(String device, String... words) throws IOException {
    ask(
        "dm message",
        "\"name\":\"%s\",\"sector\":0,\"words\":[\"%s\"]"
            .formatted(device, String.join("\",\"", words)));
  }

  /** Returns what the targets of a device report. */
  private String status(String device) throws IOException {
    return ask("dm status", "\"names\":[\"%s\"]".formatted(device));
  }

  /** Uses the control socket, because a command would be another JVM beside the load. */
  private String ask(String verb, String arguments) throws IOException {
    // Relative, since a socket address has room for only a hundred bytes.
    Path here = Path.of("").toAbsolutePath();
    Path socket = here.relativize(state.toAbsolutePath()).resolve("control.sock");
    String request = "{\"verb\":\"%s\",\"arguments\":{%s}}%n".formatted(verb, arguments);
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        BufferedReader answers = new BufferedReader(Channels.newReader(channel, UTF_8))) {
      channel.write(ByteBuffer.wrap(request.getBytes(UTF_8)));
      String greeting = answers.readLine();
      String answer = greeting == null ? null : answers.readLine();
      if (answer == null || !answer.startsWith("{\"result\"")) {
        throw new IOException(verb + " " + arguments + ": " + answer);
      }
      return answer;
    }
  }

  /** Sectors that the merge of a volume still has to merge; 0 if there is no merge. */
  long sectorsToMerge(String volume) throws IOException {
    Matcher status = MERGING.matcher(status(volume));
    return status.find() ? Long.parseLong(status.group(1)) - Long.parseLong(status.group(2)) : 0;
  }

  /** Merges a snapshot to its end at full speed; starts the merge if it has not started. */
  void finishMerge(String volume, String snapshot) throws IOException, InterruptedException {
    if (status(volume).contains(MERGE)) {
      message(volume, "throttle", "0");
      message(volume, "resume");
    } else if (ask("dm ls", "").contains("\"" + volume + "@" + snapshot + "\"")) {
      merge(volume + "@" + snapshot);
    }
    while (status(volume).contains(MERGE)) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
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
