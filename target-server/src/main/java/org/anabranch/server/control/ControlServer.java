// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import jdk.net.ExtendedSocketOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of the control socket.
 *
 * <dl>
 *   <dt>What if a client goes away in the middle?
 *   <dd>What it asked for is done all the same; only waiting ends.
 *   <dt>What if two ask for changes at once?
 *   <dd>Each request has a thread; the verbs that change something take their turns themselves.
 *   <dt>What if very many connect, or one sends very much?
 *   <dd>Each user has places for commands, other ones for requests that wait or take long, and
 *       other ones for {@code status} ({@link Place}, {@link ControlLimits}); one request more is
 *       refused. Connections that have asked nothing, or do not take their answer, make room for
 *       others ({@link Clients}). A request is a line of at most {@value #MAX_REQUEST} characters.
 *   <dt>What if the server stops while a command is at work?
 *   <dd>No command begins any more. A change that has begun is ended and answered; who only
 *       watches, and who has not asked yet, is sent away.
 * </dl>
 */
public final class ControlServer implements AutoCloseable {
  /** Of requests and answers; one that is not compatible gets another number. */
  static final int PROTOCOL = 1;

  static final int MAX_REQUEST = 1 << 20;
  private static final int BACKLOG = 64;
  private static final long IDLE_MILLIS = 1000;
  private static final long ACCEPT_PAUSE_NANOS = 100_000_000;
  private static final long LAST_ANSWERS_MILLIS = 1000;
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

  private final Path path;
  private final Map<String, Verb> verbs;
  private final ServerSocketChannel socket;

  private final Clients clients;
  private final Places places;

  private volatile boolean stopping;

  private ControlServer(
      Path path,
      Map<String, Verb> verbs,
      ServerSocketChannel socket,
      Supplier<ControlLimits> limits,
      long idleMillis) {
    this.path = path;
    this.verbs = new TreeMap<>(verbs);
    this.socket = socket;
    this.places = new Places(limits);
    this.clients = new Clients(idleMillis);
  }

  /**
   * Listens at {@code path}, in place of a socket that a server left behind there.
   *
   * @param limits asked for each request
   * @throws RefusedException when that cannot be
   */
  public static ControlServer start(
      Path path, Map<String, Verb> verbs, Supplier<ControlLimits> limits) throws RefusedException {
    return start(path, verbs, limits, IDLE_MILLIS);
  }

  /**
   * The same, with another patience.
   *
   * @param idleMillis how long a connection may ask nothing while others wait for its place
   */
  public static ControlServer start(
      Path path, Map<String, Verb> verbs, Supplier<ControlLimits> limits, long idleMillis)
      throws RefusedException {
    try {
      ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      ControlServer server = new ControlServer(path, verbs, socket, limits, idleMillis);
      server.bind();
      Thread.ofPlatform().daemon().name("control").start(server::accept);
      return server;
    } catch (IOException e) {
      throw new RefusedException(
          "control socket " + path + " cannot be made: " + StateDirectory.reason(e), e);
    }
  }

  /** The socket takes its name when its mode is right. */
  private void bind() throws IOException {
    Path draft = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(draft);
    try (SocketPath shortPath = SocketPath.of(draft)) {
      socket.bind(shortPath.address(), BACKLOG);
      Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-------"));
      Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private void accept() {
    while (true) {
      try {
        SocketChannel client = socket.accept();
        if (!clients.awaitRoom()) {
          Clients.close(client);
          return;
        }
        clients.add(client);
        Thread.ofVirtual().name("control request").start(() -> serve(client));
      } catch (ClosedChannelException e) {
        return; // the end
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (IOException e) { // too many open files, for instance, which may end
        LOG.error("control: accept failed", e);
        LockSupport.parkNanos(ACCEPT_PAUSE_NANOS);
      }
    }
  }

  /** The client's place is free before it sees the end. */
  private void serve(SocketChannel client) {
    try (client) {
      try {
        answer(client);
      } finally {
        clients.remove(client);
      }
    } catch (IOException e) {
      LOG.debug("control: client gone: {}", e.toString());
    }
  }

  private void answer(SocketChannel client) throws IOException {
    BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
    Writer out = Channels.newWriter(client, StandardCharsets.UTF_8);
    String request;
    try {
      request = line(in);
    } catch (RefusedException e) {
      send(out, Map.of("error", String.valueOf(e.getMessage())));
      return;
    }
    if (clients.asked(client) && request != null && !stopping) {
      Map<String, ?> answer = answer(request, user(client), state -> report(out, state));
      clients.answering(client);
      send(out, answer);
    }
  }

  /** Who asks, as the kernel knows. */
  private static String user(SocketChannel client) throws IOException {
    return client.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
  }

  private static @Nullable String line(BufferedReader in) throws IOException, RefusedException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return null;
      }
      if (line.length() == MAX_REQUEST) {
        throw new RefusedException("a request has at most " + MAX_REQUEST + " characters");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  private void report(Writer out, Map<String, ?> state) throws Verb.ClientGoneException {
    if (stopping) {
      throw new Verb.ClientGoneException(new IOException("the server is stopping"));
    }
    try {
      send(out, Map.of("progress", state));
    } catch (IOException e) {
      throw new Verb.ClientGoneException(e);
    }
  }

  private static void send(Writer out, Map<String, ?> message) throws IOException {
    out.write(Json.line(message) + "\n");
    out.flush();
  }

  private Map<String, ?> answer(String request, String user, Verb.Progress progress) {
    try {
      Map<String, Object> object = Json.parse(request);
      if (object.get("protocol") instanceof Number asked && asked.longValue() > PROTOCOL) {
        return Map.of(
            "error",
            "the command speaks protocol "
                + asked
                + " and this server up to "
                + PROTOCOL
                + ": use the command of the server's version");
      }
      Object name = object.get("verb");
      Verb verb = name instanceof String text ? verbs.get(text) : null;
      if (verb == null) {
        return Map.of(
            "error", "no such verb: " + name + "; there are " + String.join(", ", verbs.keySet()));
      }
      Arguments arguments = arguments(object);
      Place place = verb.place(arguments);
      places.take(user, place);
      try {
        return Map.of("result", verb.run(arguments, progress));
      } finally {
        places.leave(user, place);
      }
    } catch (RefusedException | IllegalArgumentException e) {
      return Map.of("error", String.valueOf(e.getMessage()));
    } catch (Verb.ClientGoneException e) {
      return Map.of("error", "the server is stopping; what was begun goes on when it runs again");
    } catch (RuntimeException e) {
      LOG.error("control: {} failed", request, e);
      return Map.of("error", "internal error, see the server's log: " + e);
    }
  }

  @SuppressWarnings("unchecked") // what Json gives has strings for keys
  private static Arguments arguments(Map<String, Object> request) throws RefusedException {
    Object arguments = request.getOrDefault("arguments", Map.of());
    if (!(arguments instanceof Map<?, ?> map)) {
      throw new RefusedException("arguments is no object");
    }
    return new Arguments((Map<String, Object>) map);
  }

  /** Takes no more requests; those at work go on to their end, but for those that only watch. */
  public void stopListening() {
    stopping = true;
    try {
      socket.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.error("control: close failed", e);
    }
    clients.stop();
  }

  /** Gives what is at work a moment to be answered, and ends the connections. */
  @Override
  public void close() {
    stopListening();
    clients.end(LAST_ANSWERS_MILLIS);
  }
}
