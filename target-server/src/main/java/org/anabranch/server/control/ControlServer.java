// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

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
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.server.RefusedException;
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
 *   <dd>{@value #MAX_CLIENTS} are served at a time, more are turned away; a request is a line of at
 *       most {@value #MAX_REQUEST} characters.
 * </dl>
 */
public final class ControlServer implements AutoCloseable {
  static final int MAX_CLIENTS = 64;
  static final int MAX_REQUEST = 1 << 20;
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

  private final Path path;
  private final Map<String, Verb> verbs;
  private final ServerSocketChannel socket;
  private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();

  private ControlServer(Path path, Map<String, Verb> verbs, ServerSocketChannel socket) {
    this.path = path;
    this.verbs = new TreeMap<>(verbs);
    this.socket = socket;
  }

  /**
   * Listens at {@code path}, in place of a socket that a server left behind there.
   *
   * @throws RefusedException when that cannot be
   */
  public static ControlServer start(Path path, Map<String, Verb> verbs) throws RefusedException {
    try {
      ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      ControlServer server = new ControlServer(path, verbs, socket);
      server.bind();
      Thread.ofPlatform().daemon().name("control").start(server::accept);
      return server;
    } catch (IOException e) {
      throw new RefusedException(
          "control socket " + path + " cannot be made: " + StateDirectory.reason(e) + advice(path),
          e);
    }
  }

  /** Linux takes 107 bytes; the state directory's name is what can be changed. */
  private static String advice(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length > 107
        ? " (a shorter state directory, or a link to it, helps)"
        : "";
  }

  /** The socket takes its name when its mode is right. */
  private void bind() throws IOException {
    Path draft = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(draft);
    try {
      socket.bind(UnixDomainSocketAddress.of(draft), MAX_CLIENTS);
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
        if (clients.size() >= MAX_CLIENTS) {
          LOG.warn("control: more than {} clients at once", MAX_CLIENTS);
          client.close();
          continue;
        }
        clients.add(client);
        Thread.ofVirtual().name("control request").start(() -> serve(client));
      } catch (ClosedChannelException e) {
        return; // the end
      } catch (IOException e) {
        LOG.error("control: accept failed", e);
        return;
      }
    }
  }

  private void serve(SocketChannel client) {
    try (client) {
      BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
      Writer out = Channels.newWriter(client, StandardCharsets.UTF_8);
      String request = line(in);
      if (request != null) {
        send(out, answer(request, state -> report(out, state)));
      }
    } catch (IOException e) {
      LOG.debug("control: client gone: {}", e.toString());
    } finally {
      clients.remove(client);
    }
  }

  private static @Nullable String line(BufferedReader in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return null;
      }
      if (line.length() == MAX_REQUEST) {
        throw new IOException("request of more than " + MAX_REQUEST + " characters");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  private static void report(Writer out, Map<String, ?> state) throws Verb.ClientGoneException {
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

  private Map<String, ?> answer(String request, Verb.Progress progress) {
    try {
      Map<String, Object> object = Json.parse(request);
      Object name = object.get("verb");
      Verb verb = name instanceof String text ? verbs.get(text) : null;
      if (verb == null) {
        return Map.of(
            "error", "no such verb: " + name + "; there are " + String.join(", ", verbs.keySet()));
      }
      return Map.of("result", verb.run(arguments(object), progress));
    } catch (RefusedException | IllegalArgumentException e) {
      return Map.of("error", String.valueOf(e.getMessage()));
    } catch (Verb.ClientGoneException e) {
      return Map.of("error", "gone");
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

  /** Listens no more, and ends the connections. */
  @Override
  public void close() {
    try {
      socket.close();
      Files.deleteIfExists(path);
      for (SocketChannel client : clients) {
        client.close();
      }
    } catch (IOException e) {
      LOG.error("control: close failed", e);
    }
  }
}
