// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Sense;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionListener;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
import org.jspecify.annotations.Nullable;

/**
 * Where a server of an administrator's runs: a folder with a configuration, the control socket, and
 * hosts that log in.
 */
public final class Site {
  private static final long PATIENCE = 60;

  public final Path folder;
  public final Path configuration;

  public Site(Path folder) {
    this.folder = folder;
    this.configuration = folder.resolve("anabranch.conf");
  }

  /**
   * Writes the file that is read next, with this in {@code anabranch { }}, and one free portal and
   * a state directory where the text has none.
   */
  public void configure(String text) throws IOException {
    String portals = text.contains("portals = ") ? "" : "portals = [\"127.0.0.1:0\"]\n";
    String state = text.contains("state-dir = ") ? "" : "state-dir = state\n";
    Files.writeString(configuration, "anabranch {\n" + portals + state + text + "\n}\n");
  }

  public ServerProcess serve(String text) throws IOException {
    configure(text);
    return ServerProcess.serving(folder, Files.readString(configuration));
  }

  public Path socket() {
    return folder.resolve("state/control.sock");
  }

  /** The stream of a snapshot, whole. */
  public byte[] export(String snapshot) throws RefusedException {
    return export(snapshot, null);
  }

  /**
   * The stream of a snapshot.
   *
   * @param since null: whole; else what has changed since this one
   */
  byte[] export(String snapshot, @Nullable String since) throws RefusedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    var _ =
        client()
            .download(
                SnapshotExportVerb.CALL,
                new SnapshotExportVerb.Arguments(snapshot, null, false, since, false),
                state -> {},
                data -> {
                  byte[] bytes = new byte[data.remaining()];
                  data.get(bytes);
                  out.writeBytes(bytes);
                });
    return out.toByteArray();
  }

  public ControlClient client() {
    return new ControlClient(socket());
  }

  public Map<String, Object> ask(String verb, Map<String, ?> arguments) throws RefusedException {
    return client().ask(verb, arguments, progress -> {});
  }

  /** What the server says to a request that it must refuse. */
  String refusal(String verb, Map<String, ?> arguments) {
    try {
      throw new AssertionError("not refused: " + ask(verb, arguments));
    } catch (RefusedException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** What {@code anabranch dm} prints; a device that is created without a table has none. */
  String dm(String... words) throws RefusedException {
    List<String> line = new ArrayList<>(List.of(words));
    if (line.getFirst().equals("create") && !line.contains("--table")) {
      line.add("--notable");
    }
    line.addFirst("dm");
    line.addAll(1 + 1, List.of("--socket", socket().toString()));
    CommandRun run = CommandRun.of(line.toArray(String[]::new));
    if (run.status() != 0) {
      throw new RefusedException(run.errors().strip().replaceFirst("^anabranch: ", ""));
    }
    return run.output();
  }

  /** {@code anabranch dm} with a table. */
  String dmTable(String table, String... words) throws RefusedException {
    List<String> line = new ArrayList<>(List.of(words));
    line.addAll(1, List.of("--table", table));
    return dm(line.toArray(String[]::new));
  }

  /** What the server says to a dm command that it must refuse. */
  String dmRefusal(String... words) {
    try {
      throw new AssertionError("not refused: " + dm(words));
    } catch (RefusedException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private String[] forThisServer(String... words) {
    List<String> command = new ArrayList<>(List.of(words));
    command.addAll(List.of("--socket", socket().toString()));
    return command.toArray(String[]::new);
  }

  /** Runs a command for this server; what it prints, on both channels. */
  String anabranch(int status, String... words) {
    return CommandRun.of(forThisServer(words)).expect(status).all();
  }

  /** The same in a process of its own, whose working directory is the folder. */
  String anabranchProcess(int status, String... words) throws Exception {
    try (ServerProcess process = new ServerProcess(folder, forThisServer(words))) {
      String output = process.output();
      assertThat(process.await()).as(output + process.errors()).isEqualTo(status);
      return output + process.errors();
    }
  }

  /** What {@code check} prints about the configuration file, on both channels. */
  String check(int status) {
    return CommandRun.of("check", configuration.toString()).expect(status).all();
  }

  /** What a server whose {@code http.listen} is on 127.0.0.1 has for Prometheus. */
  static String metrics(ServerProcess server) throws Exception {
    String address =
        server
            .errors()
            .lines()
            .filter(line -> line.contains("http://127.0.0.1:"))
            .findFirst()
            .orElseThrow()
            .replaceAll(".*(http://127\\.0\\.0\\.1:\\d+).*", "$1");
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(address + "/metrics")).build();
      return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  public static InetSocketAddress address(String portal) {
    int colon = portal.lastIndexOf(':');
    return new InetSocketAddress(
        InetAddress.ofLiteral(portal.substring(0, colon)),
        Integer.parseInt(portal.substring(colon + 1)));
  }

  /** A host that is logged in, and hears what it is told unasked. */
  static final class Host implements SessionListener {
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<String> heard = new ArrayList<>(); // guarded by itself
    private @Nullable Session session;
    private volatile boolean stays;

    static Host logIn(Initiator initiator, String portal, SessionOptions options) throws Exception {
      Host host = new Host();
      host.session = Initiator.await(initiator.login(address(portal), options, host), PATIENCE);
      return host;
    }

    static Host logIn(Initiator initiator, ServerProcess server, String target) throws Exception {
      return logIn(initiator, server.portal(), SessionOptions.normal(target));
    }

    /** From now on it does not log out when it is asked to: it has commands in flight. */
    void stays() {
      stays = true;
    }

    Session session() {
      return Objects.requireNonNull(session);
    }

    Disk disk(int lun) throws Exception {
      return Initiator.await(Disk.open(session(), lun), PATIENCE);
    }

    List<Integer> luns() throws Exception {
      return Initiator.await(Disk.reportLuns(session()), PATIENCE);
    }

    /** Whether the session is alive: a command goes through. */
    boolean lives() throws Exception {
      return !luns().isEmpty();
    }

    /** Events and unit attentions so far, such as {@code event 3} and {@code 2a/09}. */
    List<String> heard() {
      synchronized (heard) {
        return List.copyOf(heard);
      }
    }

    void awaitClosed() throws InterruptedException {
      assertThat(closed.await(PATIENCE, TimeUnit.SECONDS)).isTrue();
    }

    private void hear(String what) {
      synchronized (heard) {
        heard.add(what);
      }
    }

    @Override
    public void unitAttention(Session from, long lun, Sense sense) {
      hear(String.format("%02x/%02x", sense.code() >> 8, sense.code() & 0xff));
    }

    @Override
    public void asyncMessage(Session from, int event, Pdu message, @Nullable Sense sense) {
      hear("event " + event);
      // Logs out when the server stops and asks for it, as an initiator should; else each stop
      // waits.
      if (!stays) {
        SessionListener.super.asyncMessage(from, event, message, sense);
      }
    }

    @Override
    public void closed(Session from, IscsiException cause) {
      closed.countDown();
    }
  }
}
