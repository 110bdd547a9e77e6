// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import jdk.net.ExtendedSocketOptions;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.RequestPace;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.base.Version;
import org.anabranch.server.base.Warning;
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
 *       others ({@link Clients}). A request is a line of at most {@value #MAX_REQUEST} bytes. Who
 *       asks more than {@value #BURST} times at once waits: {@value #RATE} connections a second are
 *       accepted from then on.
 *   <dt>What if the system has no thread or no file descriptor to give?
 *   <dd>A request without a thread is refused. One descriptor is kept for the first client that
 *       comes when there is no other ({@link SpareDescriptors}); the server goes on.
 *   <dt>What if the server stops while a command is at work?
 *   <dd>No command begins any more. A change that has begun is ended and answered; who only
 *       watches, and who has not asked yet, is sent away.
 * </dl>
 */
public final class ControlServer implements AutoCloseable {
  /** Of requests and answers; one that is not compatible gets another number. */
  static final int PROTOCOL = 1;

  static final int MAX_REQUEST = 1 << 20;
  private static final String STOPPING =
      "the server is stopping; what was begun goes on when it runs again";
  private static final int BACKLOG = 64;
  private static final long IDLE_MILLIS = 1000;

  /** Requests at once, and in a second from then on. */
  private static final int BURST = 256;

  private static final int RATE = 50;
  private static final long ACCEPT_PAUSE_NANOS = 100_000_000;
  private static final long LAST_ANSWERS_MILLIS = 1000;
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

  private final Path path;
  private final Map<String, Verb<?, ?, ?>> verbs = new TreeMap<>();
  private final ServerSocketChannel socket;
  private final ThreadFactory threads;
  private final SpareDescriptors spare = new SpareDescriptors();

  private final Clients clients;
  private final Places places;
  private final SocketGroup group;
  private final RequestPace pace = new RequestPace(BURST, RATE);

  /** Those whose verb asked to be told when they are gone. */
  private final Set<Connection<?>> waiting = ConcurrentHashMap.newKeySet();

  /** Those whose verb takes data from them. */
  private final Set<Connection<?>> receiving = ConcurrentHashMap.newKeySet();

  private volatile boolean stopping;

  private ControlServer(
      Path path,
      Collection<? extends Verb<?, ?, ?>> verbs,
      ServerSocketChannel socket,
      Supplier<ControlLimits> limits,
      long idleMillis,
      ThreadFactory threads) {
    this.path = path;
    this.threads = threads;
    verbs.forEach(verb -> this.verbs.put(verb.call().name(), verb));
    this.socket = socket;
    this.places = new Places(limits);
    this.clients = new Clients(idleMillis);
    this.group = new SocketGroup(Objects.requireNonNull(path.toAbsolutePath().getParent()));
  }

  /**
   * Listens at {@code path}, in place of a socket that a server left behind there.
   *
   * @param limits asked for each request
   * @throws RefusedException when that cannot be
   */
  public static ControlServer start(
      Path path, Collection<? extends Verb<?, ?, ?>> verbs, Supplier<ControlLimits> limits)
      throws RefusedException {
    return start(path, verbs, limits, IDLE_MILLIS);
  }

  /**
   * The same, with another patience.
   *
   * @param idleMillis how long a connection may ask nothing while others wait for its place
   */
  public static ControlServer start(
      Path path,
      Collection<? extends Verb<?, ?, ?>> verbs,
      Supplier<ControlLimits> limits,
      long idleMillis)
      throws RefusedException {
    return start(
        path, verbs, limits, idleMillis, Thread.ofVirtual().name("control request").factory());
  }

  /**
   * The same, with other threads.
   *
   * @param threads each handles one request
   */
  static ControlServer start(
      Path path,
      Collection<? extends Verb<?, ?, ?>> verbs,
      Supplier<ControlLimits> limits,
      long idleMillis,
      ThreadFactory threads)
      throws RefusedException {
    try {
      prepareToWait();
      ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      ControlServer server = new ControlServer(path, verbs, socket, limits, idleMillis, threads);
      server.bind();
      server.spare.keep();
      Thread.ofPlatform().daemon().name("control").start(server::accept);
      return server;
    } catch (IOException e) {
      throw new RefusedException(
          "control socket " + path + " cannot be made: " + StateDirectory.reason(e), e);
    }
  }

  /**
   * Makes the JDK open what it needs before a virtual thread can wait for a socket. It would do so
   * when the first one waits, and without a file descriptor fail then and ever after.
   */
  private static void prepareToWait() {
    try {
      Class.forName("sun.nio.ch.Poller");
    } catch (ClassNotFoundException e) {
      LOG.debug("this JDK waits for sockets in another way", e);
    }
  }

  /**
   * Lets the members of a group use the socket beside the server's user and root; null: nobody
   * else. A group that cannot be set is a warning.
   *
   * @throws RefusedException when the socket's mode cannot be set
   */
  public void group(@Nullable String name) throws RefusedException {
    try {
      group.apply(path, name);
    } catch (IOException e) {
      throw new RefusedException("control socket " + path + ": " + StateDirectory.reason(e), e);
    }
  }

  /** What is wrong with the group of the socket. */
  public List<Warning> warnings() {
    return group.warnings();
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
        pace.await();
        if (!clients.awaitRoom()) {
          Clients.close(client);
          return;
        }
        clients.add(client);
        if (!ThreadStart.of(threads, () -> serve(client))) {
          refuse(client);
        }
      } catch (ClosedChannelException e) {
        spare.close();
        return; // the end
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (IOException e) { // too many open files, for instance, which may end
        if (!spare.use()) { // else the next one takes its place
          LOG.error("control: accept failed: {}; {}", e.getMessage(), SpareDescriptors.REMEDY);
          LockSupport.parkNanos(ACCEPT_PAUSE_NANOS);
        }
      }
    }
  }

  /** There is no thread that could read its request. */
  private void refuse(SocketChannel client) {
    try {
      MessageChannel messages = new MessageChannel(client);
      messages.send(Map.of("greeting", greeting()));
      messages.send(Map.of("error", ThreadStart.REMEDY));
    } catch (IOException e) {
      LOG.debug("control: client gone: {}", e.toString());
    } finally {
      clients.remove(client);
      Clients.close(client);
      spare.keep();
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
    spare.keep();
  }

  private void answer(SocketChannel client) throws IOException {
    MessageChannel messages = new MessageChannel(client);
    messages.send(Map.of("greeting", greeting()));
    String request;
    try {
      request = messages.line(MAX_REQUEST);
    } catch (RefusedException e) {
      messages.send(Map.of("error", String.valueOf(e.getMessage())));
      return;
    }
    if (clients.asked(client) && request != null && !stopping) {
      Map<String, ?> answer = answer(request, client, messages);
      clients.answering(client);
      messages.send(answer);
    }
  }

  /** What a client knows before it asks. */
  private static Map<String, ?> greeting() throws IOException {
    Map<String, Object> greeting = new LinkedHashMap<>();
    greeting.put("server", "anabranch");
    greeting.put("version", Version.number());
    greeting.put("protocol", PROTOCOL);
    return greeting;
  }

  /** Who asks, as the kernel knows. */
  private static String user(SocketChannel client) throws IOException {
    return client.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
  }

  /** The group by which somebody may ask who is neither the server's user nor root; else null. */
  private @Nullable String groupOf(String user) throws IOException {
    PosixFileAttributes socketFile = Files.readAttributes(path, PosixFileAttributes.class);
    return user.equals(socketFile.owner().getName()) || Uid.of(user) == 0
        ? null
        : socketFile.group().getName();
  }

  private Map<String, ?> answer(String request, SocketChannel client, MessageChannel messages) {
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
      Verb<?, ?, ?> verb = name instanceof String text ? verbs.get(text) : null;
      if (verb == null) {
        return Map.of(
            "error", "no such verb: " + name + "; there are " + String.join(", ", verbs.keySet()));
      }
      return Map.of("result", run(verb, arguments(object), client, messages));
    } catch (RefusedException | IllegalArgumentException e) {
      return Map.of("error", String.valueOf(e.getMessage()));
    } catch (ClientGoneException e) {
      return Map.of("error", STOPPING);
    } catch (OutOfMemoryError e) { // of a thread: without memory the process would have ended
      LOG.error("control: {} failed: {}", request, e.getMessage());
      return Map.of("error", ThreadStart.REMEDY);
    } catch (IOException e) {
      return stopping ? Map.of("error", STOPPING) : failed(request, e); // the socket has no name
    } catch (RuntimeException e) {
      return failed(request, e);
    }
  }

  private static Map<String, ?> failed(String request, Exception e) {
    LOG.error("control: {} failed", request, e);
    return Map.of("error", "internal error, see the server's log: " + e);
  }

  private <A extends Record, P extends Record, R extends Record> Map<String, ?> run(
      Verb<A, P, R> verb, Map<String, ?> json, SocketChannel client, MessageChannel messages)
      throws RefusedException, ClientGoneException, IOException {
    RecordJson.refuseUnknown(verb.call().arguments(), json);
    A arguments = RecordJson.read(verb.call().arguments(), json, "argument");
    Place place = verb.place(arguments);
    String user = user(client);
    places.take(user, place);
    Connection<P> caller = new Connection<>(client, messages);
    Audit audit = new Audit(user, groupOf(user), verb, json);
    try {
      R result = verb.run(arguments, caller);
      audit.done();
      return RecordJson.write(result);
    } catch (InvalidPathException e) {
      String reason =
          "no file can be called "
              + e.getInput()
              + " here ("
              + e.getReason()
              + "); name another, or start the server in a locale with UTF-8";
      audit.ended("refused", reason);
      throw new RefusedException(reason, e);
    } catch (RefusedException | RuntimeException e) {
      audit.ended(
          e instanceof RefusedException ? "refused" : "failed", String.valueOf(e.getMessage()));
      throw e;
    } catch (ClientGoneException e) {
      audit.ended("goes on", "nobody waits for it any more");
      throw e;
    } finally {
      waiting.remove(caller);
      receiving.remove(caller);
      places.leave(user, place);
    }
  }

  @SuppressWarnings("unchecked") // what Json gives has strings for keys
  private static Map<String, Object> arguments(Map<String, Object> request)
      throws RefusedException {
    Object arguments = request.getOrDefault("arguments", Map.of());
    if (!(arguments instanceof Map<?, ?> map)) {
      throw new RefusedException("arguments is not an object");
    }
    return (Map<String, Object>) map;
  }

  /** The connection of a request that is handled. */
  private final class Connection<P extends Record> implements Caller<P> {
    private final SocketChannel channel;
    private final MessageChannel messages;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    Connection(SocketChannel channel, MessageChannel messages) {
      this.channel = channel;
      this.messages = messages;
    }

    @Override
    public void report(P state) throws ClientGoneException {
      refuseAtTheEnd();
      try {
        messages.send(Map.of("progress", RecordJson.write(state)));
      } catch (IOException e) {
        throw new ClientGoneException(e);
      }
    }

    private void refuseAtTheEnd() throws ClientGoneException {
      if (stopping) {
        throw new ClientGoneException(new IOException("the server is stopping"));
      }
    }

    @Override
    public void send(ByteBuffer data) throws ClientGoneException {
      refuseAtTheEnd();
      try {
        messages.sendData(data);
      } catch (IOException e) {
        throw new ClientGoneException(e);
      }
    }

    @Override
    public int receive(ByteBuffer into) throws ClientGoneException {
      receiving.add(this);
      refuseAtTheEnd();
      try {
        return messages.data(into);
      } catch (IOException e) {
        throw new ClientGoneException(e);
      }
    }

    /** Ends a read that waits for the client; what was asked for can still be answered. */
    void endInput() {
      try {
        channel.shutdownInput();
      } catch (IOException e) {
        LOG.debug("control: client gone: {}", e.toString());
      }
    }

    @Override
    public CompletableFuture<Void> gone() {
      if (waiting.add(this)) {
        Thread.ofVirtual().name("control client").start(this::awaitEnd);
        if (stopping) {
          gone.complete(null);
        }
      }
      return gone;
    }

    /** Reads until the client closes; what it sends after its request has no meaning. */
    private void awaitEnd() {
      ByteBuffer ignored = ByteBuffer.allocate(512);
      try {
        while (channel.read(ignored) >= 0) {
          ignored.clear();
        }
      } catch (IOException e) {
        LOG.debug("control: client gone: {}", e.toString());
      }
      gone.complete(null);
    }
  }

  /** Takes no more requests; those at work go on to their end, but for those that only watch. */
  public void stopListening() {
    stopping = true;
    waiting.forEach(each -> each.gone.complete(null));
    receiving.forEach(Connection::endInput);
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
