// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.anabranch.config.HttpConfig;
import org.anabranch.naming.AddressRange;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.RequestPace;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.base.Warning;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.control.verbs.StatsVerb;
import org.anabranch.server.control.verbs.StatusVerb;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server for monitoring.
 *
 * <pre>
 *   /             the status page, with /page.css and /page.js
 *   /status.json  as anabranch status --json
 *   /stats.json   as anabranch stats --json
 *   /events.json  the last lines of the log
 *   /metrics      Prometheus's text format
 *   /healthz      200 when the event loops and the scheduler answer within a second, otherwise 503
 *   /readyz       200 when logins are accepted; what is left out is named
 * </pre>
 *
 * <p>Only GET and HEAD. On a loopback address a request must name this machine as its host, so that
 * a web site cannot point a name of its own there and read it with the user's browser. Connections,
 * headers and the time for a request are bounded; at most {@value #WAITING} requests wait for
 * {@value #THREADS} threads, which serve {@value #BURST} requests at once and {@value #RATE} a
 * second from then on.
 */
public final class StatusServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StatusServer.class);
  private static final int THREADS = 2;
  private static final int WAITING = 64;

  /** Requests at once, and in a second from then on. */
  private static final int BURST = 128;

  private static final int RATE = 50;
  private static final int SERVICE_UNAVAILABLE = 503;

  static {
    // The JDK's server reads these once.
    bound("jdk.httpserver.maxConnections", 64);
    bound("sun.net.httpserver.maxReqTime", 10);
    bound("sun.net.httpserver.maxRspTime", 30);
    bound("sun.net.httpserver.maxReqHeaderSize", 16_384);
    bound("sun.net.httpserver.maxIdleConnections", 16);
    bound("sun.net.httpserver.idleInterval", 20); // more than scrapes are apart
    bound("sun.net.httpserver.drainAmount", 4096);
  }

  /** Sets a property of the JDK's server, unless somebody has. */
  private static void bound(String property, int value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, Integer.toString(value));
    }
  }

  private final RunningServer server;
  private final Supplier<CompletableFuture<Void>> answers;
  private final Metrics metrics;
  private final RecentEvents events = new RecentEvents();
  private final Map<String, Callable<Answer>> addresses = new HashMap<>();
  private final boolean loopback;
  private final HttpServer http;
  private final ThreadPoolExecutor threads;
  private final RequestPace pace = new RequestPace(BURST, RATE);

  private StatusServer(
      HttpConfig config, RunningServer server, Supplier<CompletableFuture<Void>> answers)
      throws IOException {
    this.server = server;
    this.answers = answers;
    this.metrics = new Metrics(server);
    this.loopback = config.isLoopback();
    addresses.put("/", () -> resource("page.html", "text/html; charset=utf-8"));
    addresses.put("/page.css", () -> resource("page.css", "text/css; charset=utf-8"));
    addresses.put("/page.js", () -> resource("page.js", "text/javascript; charset=utf-8"));
    addresses.put("/status.json", () -> json(StatusVerb.read(server)));
    addresses.put("/stats.json", () -> json(StatsVerb.read(server.statistics())));
    addresses.put("/events.json", () -> json(events.recent()));
    addresses.put("/metrics", this::metrics);
    addresses.put("/healthz", this::health);
    addresses.put("/readyz", this::readiness);
    AcceptFailures.slowDown();
    http = HttpServer.create(config.socketAddress(), WAITING);
    threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(WAITING),
            task -> Thread.ofPlatform().name("http").daemon().unstarted(task));
    threads.allowCoreThreadTimeOut(true);
    http.setExecutor(StatusServer.orRejected(threads));
    http.createContext("/", this::handle);
  }

  /** The server's own thread closes a connection that is rejected, and would end by an Error. */
  static Executor orRejected(Executor threads) {
    return task -> {
      try {
        threads.execute(task);
      } catch (OutOfMemoryError e) {
        LOG.error("a request is not answered ({}); {}", e.getMessage(), ThreadStart.REMEDY);
        throw new RejectedExecutionException(e);
      }
    };
  }

  /**
   * Starts it.
   *
   * @param answers completes when the server's event loops have answered
   * @throws RefusedException when the address cannot be bound
   */
  public static StatusServer start(
      HttpConfig config, RunningServer server, Supplier<CompletableFuture<Void>> answers)
      throws RefusedException {
    try {
      StatusServer started = new StatusServer(config, server, answers);
      started.http.start();
      LOG.info("status page and metrics at http://{}/", started.authority());
      return started;
    } catch (IOException e) {
      throw new RefusedException(
          "http: cannot listen on " + config + ": " + e.getMessage() + "; choose another port", e);
    }
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return http.getAddress();
  }

  private String authority() {
    return new HttpConfig(address().getAddress(), address().getPort()).toString();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      pace.await();
      Answer answer = answer(exchange);
      Headers headers = exchange.getResponseHeaders();
      headers.set("Content-Type", answer.type());
      headers.set("Cache-Control", "no-store");
      headers.set(
          "Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
              + " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      headers.set("X-Content-Type-Options", "nosniff");
      headers.set("X-Frame-Options", "DENY");
      headers.set("Referrer-Policy", "no-referrer");
      headers.set("Cross-Origin-Resource-Policy", "same-origin");
      boolean head = exchange.getRequestMethod().equals("HEAD");
      if (head) {
        headers.set("Content-Length", Integer.toString(answer.body().length));
      }
      exchange.sendResponseHeaders(answer.status(), head ? -1 : answer.body().length);
      if (!head) {
        exchange.getResponseBody().write(answer.body());
      }
    }
  }

  private Answer answer(HttpExchange exchange) {
    String method = exchange.getRequestMethod();
    if (!method.equals("GET") && !method.equals("HEAD")) {
      exchange.getResponseHeaders().set("Allow", "GET, HEAD");
      return Answer.text(405, "only GET and HEAD: nothing can be changed here");
    }
    if (loopback && !namesThisMachine(exchange.getRequestHeaders().getFirst("Host"))) {
      return Answer.text(421, "the request is for another host");
    }
    Callable<Answer> address = addresses.get(exchange.getRequestURI().getPath());
    if (address == null) {
      return Answer.text(404, "there is no such page; see /");
    }
    try {
      return address.call();
    } catch (RefusedException e) {
      return Answer.text(SERVICE_UNAVAILABLE, String.valueOf(e.getMessage()));
    } catch (Exception e) {
      LOG.error("{} could not be answered", exchange.getRequestURI().getPath(), e);
      return Answer.text(500, "an error that is in the server's log");
    }
  }

  /** Whether a Host header is an address or {@code localhost}, as no name of a web site is. */
  private static boolean namesThisMachine(@Nullable String host) {
    if (host == null) {
      return false;
    }
    String name = host.replaceFirst(":[0-9]+$", "").replaceAll("^\\[|\\]$", "");
    return name.equalsIgnoreCase("localhost") || AddressRange.literal(name) != null;
  }

  private static Answer resource(String name, String type) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(StatusServer.class.getResourceAsStream(name), name)) {
      return new Answer(Answer.OK, type, in.readAllBytes());
    }
  }

  private static Answer json(Record answer) {
    return Answer.json(Json.line(RecordJson.write(answer)));
  }

  private Answer metrics() throws IOException, RefusedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 16);
    metrics.write(out);
    return new Answer(Answer.OK, Metrics.CONTENT_TYPE, out.toByteArray());
  }

  private Answer health() throws InterruptedException {
    try {
      answers.get().get(1, TimeUnit.SECONDS);
      return Answer.text(Answer.OK, "ok");
    } catch (TimeoutException e) {
      return Answer.text(SERVICE_UNAVAILABLE, "an event loop has not answered for a second");
    } catch (ExecutionException e) {
      return Answer.text(SERVICE_UNAVAILABLE, String.valueOf(e.getCause()));
    }
  }

  private Answer readiness() {
    List<Warning> leftOut = server.storage().leftOut().warnings();
    StringBuilder text = new StringBuilder("ready, portals " + String.join(" ", server.portals()));
    leftOut.forEach(warning -> text.append("\nleft out: ").append(warning));
    return Answer.text(Answer.OK, text.toString());
  }

  @Override
  public void close() {
    http.stop(0);
    threads.shutdownNow();
    events.close();
  }
}
