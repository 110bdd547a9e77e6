// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.CounterEntry;
import org.anabranch.server.control.verbs.StatsVerb;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics, health and the status page of a real server. */
final class HttpTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final Path MONITORING = Path.of("../docs/monitoring");

  @TempDir private Path folder;
  private final HttpClient client = HttpClient.newHttpClient();
  private Site site;
  private int port;
  private ServerProcess server;

  @BeforeEach
  void serve() throws Exception {
    serve("-Dx=y");
  }

  private void serve(String javaOptions) throws Exception {
    site = new Site(folder);
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    site.configure(
        """
        http { listen = "127.0.0.1:%d" }
        volumes { vm1 { path = vm1.img, size = 16 MiB }, gone { path = none/gone.img } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
        """
            .formatted(port));
    server =
        ServerProcess.servingAsService(
            folder, Files.readString(site.configuration), Map.of("JAVA_TOOL_OPTIONS", javaOptions));
  }

  @AfterEach
  void close() throws Exception {
    client.close();
    stop();
  }

  private void stop() throws Exception {
    assertThat(server.terminate()).isZero();
    server.close();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send("GET", path);
  }

  private HttpResponse<String> send(String method, String path)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofMinutes(1))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** What a server answers to these bytes, up to the end of the connection. */
  private String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private Disk work(Initiator initiator) throws Exception {
    Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a", "chunk-sectors", 8));
    for (int i = 0; i < 5; i++) {
      Initiator.await(disk.write(i * 64L, ByteBuffer.allocate(4096)), 30);
      Initiator.await(disk.read(i * 64L, 8), 30);
    }
    return disk;
  }

  @Test
  void eachAddressAnswersAndOnlyToReaders() throws Exception {
    assertThat(get("/healthz").body()).isEqualTo("ok\n");
    assertThat(get("/readyz").body()).startsWith("ready, portals ").contains("volume gone");
    for (String page : List.of("/", "/page.css", "/page.js", "/status.json", "/stats.json")) {
      HttpResponse<String> answer = get(page);
      assertThat(answer.statusCode()).as(page).isEqualTo(200);
      assertThat(answer.headers().firstValue("x-content-type-options")).hasValue("nosniff");
      assertThat(answer.headers().firstValue("content-security-policy").orElse(""))
          .contains("default-src 'none'")
          .doesNotContain("unsafe");
      assertThat(send("HEAD", page).body()).as("HEAD %s", page).isEmpty();
    }
    for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS")) {
      assertThat(send(method, "/").statusCode()).as(method).isEqualTo(405);
    }
    assertThat(get("/../state.json").statusCode()).isEqualTo(404);
    assertThat(get("/page.js%00").statusCode()).isEqualTo(404);
    assertThat(Json.parse(get("/status.json").body()).keySet())
        .isEqualTo(Json.parse(site.anabranch(0, "status", "--json")).keySet());
    assertThat(Json.parse(get("/stats.json").body()).keySet())
        .isEqualTo(Json.parse(site.anabranch(0, "stats", "--json")).keySet());
    assertThat(get("/events.json").body()).contains("status page and metrics at http://");
  }

  @Test
  void aNameThatIsNotThisMachineIsRefused() throws Exception {
    String request = "GET /status.json HTTP/1.1\r\nConnection: close\r\nHost: ";
    assertThat(raw(request + "localhost:1\r\n\r\n")).startsWith("HTTP/1.1 200 ");
    assertThat(raw(request + "[::1]:1\r\n\r\n")).startsWith("HTTP/1.1 200 ");
    assertThat(raw(request + "evil.example\r\n\r\n")).startsWith("HTTP/1.1 421 ");
    assertThat(raw("GET /metrics HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.1 421 ");
  }

  @Test
  void headersAndConnectionsAreBounded() throws Exception {
    String request = "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "x".repeat(100_000) + "\r\n\r\n";
    String answer = "";
    try {
      answer = raw(request);
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("reset"); // it closed without reading on
    }
    assertThat(answer).doesNotContain("200 OK");
    List<Socket> many = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        many.add(new Socket(InetAddress.getLoopbackAddress(), port));
      }
    } finally {
      for (Socket socket : many) {
        socket.close();
      }
    }
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  /** Seconds of processor time that the server has used. */
  private double processorSeconds() throws IOException {
    return server.process().toHandle().info().totalCpuDuration().orElseThrow().toMillis() / 1e3;
  }

  private void limitDescriptors(int limit) throws Exception {
    Process prlimit =
        new ProcessBuilder(
                "prlimit",
                "--pid",
                Long.toString(server.process().pid()),
                "--nofile=" + limit + ":")
            .inheritIO()
            .start();
    assertThat(prlimit.waitFor()).isZero();
  }

  private long acceptFailures() throws IOException {
    return server.errors().lines().filter(line -> line.contains("cannot be accepted")).count();
  }

  /** The lowest number that no descriptor has: with this as the limit, none can be opened. */
  private int lowestFreeDescriptor() {
    int free = 0;
    while (Files.exists(
        Path.of("/proc/" + server.process().pid() + "/fd/" + free), LinkOption.NOFOLLOW_LINKS)) {
      free++;
    }
    return free;
  }

  @Test
  void withoutDescriptorsItWaitsAndThenGoesOn() throws Exception {
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    client.close();
    limitDescriptors(lowestFreeDescriptor());
    List<Socket> waiting = new ArrayList<>();
    try {
      for (int i = 0; i < 16; i++) { // more than the server may still close itself
        waiting.add(new Socket(InetAddress.getLoopbackAddress(), port));
      }
      Await.until(
          "the failure is in the log",
          () -> server.errors().contains("http: a connection cannot be accepted"));
      double before = processorSeconds();
      long begin = System.nanoTime();
      long lines = acceptFailures();
      Await.until("it has tried again, twice", () -> acceptFailures() >= lines + 2);
      double seconds = (System.nanoTime() - begin) / 1e9;
      assertThat(seconds).as("it waits between").isGreaterThan(0.9);
      assertThat(processorSeconds() - before).as("it does not spin").isLessThan(seconds / 2);
      assertThat(server.errors())
          .as("the image is there, whatever cannot be opened")
          .doesNotContain("it is lost for good");
    } finally {
      limitDescriptors(1024);
      for (Socket socket : waiting) {
        socket.close();
      }
    }
    assertThat(raw("GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n\r\n"))
        .startsWith("HTTP/1.1 200 ");
  }

  /** Neither who says nothing nor who says a little now and then keeps a place. */
  @Test
  void idleAndSlowClientsLoseTheirPlaces() throws Exception {
    stop();
    serve("-Dsun.net.httpserver.maxReqTime=2"); // of 10 s, for the sake of the test's time
    List<Socket> idle = new ArrayList<>();
    try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), port)) {
      slow.setSoTimeout(200);
      for (int i = 0; i < 300; i++) {
        idle.add(new Socket(InetAddress.getLoopbackAddress(), port));
      }
      long descriptors = lowestFreeDescriptor();
      assertThat(descriptors).isLessThan(400);
      long begin = System.nanoTime();
      boolean open = true;
      while (open && System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(60)) {
        try {
          slow.getOutputStream().write('G');
          open = slow.getInputStream().read() >= 0;
        } catch (SocketTimeoutException e) {
          open = true; // nothing came, and the place is kept
        } catch (IOException e) {
          open = false;
        }
      }
      assertThat(open).as("the slow one is closed").isFalse();
      Await.until("there is room again", () -> answersHealth());
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  private boolean answersHealth() {
    try {
      return raw("GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n\r\n")
          .startsWith("HTTP/1.1 200 ");
    } catch (IOException e) {
      return false; // all places are taken
    }
  }

  @Test
  void metricsAreAViewOfEveryCounter() throws Exception {
    try (Initiator initiator = new Initiator()) {
      work(initiator);
      StatsVerb.Result stats =
          RecordJson.read(StatsVerb.Result.class, site.ask("stats", Map.of()), "stats");
      String metrics = get("/metrics").body();
      int seen = 0;
      for (CounterEntry counter : stats.counters()) {
        String layer = counter.layer();
        if (layer.equals("login-refusals")) {
          assertThat(metrics).contains("reason=\"" + counter.counter() + "\"} 0.0");
          continue;
        }
        String name =
            "anabranch_"
                + (layer.equals("io") ? RecordJson.constant(counter.of()) : layer)
                + "_"
                + counter.counter().replace('-', '_')
                + "_total";
        assertThat(metrics).as(name).containsPattern("(?m)^" + name + "[{ ]");
        seen++;
      }
      assertThat(seen).isGreaterThan(60);
      assertThat(metrics)
          .contains("anabranch_unit_writes_total{snapshot=\"\",volume=\"vm1\"} 5.0")
          .contains("anabranch_snapshot_cow_copies_total{snapshot=\"a\",volume=\"vm1\"} 5.0")
          .contains("anabranch_volume_left_out{snapshot=\"\",volume=\"gone\"} 1.0")
          .contains("anabranch_volume_left_out{snapshot=\"\",volume=\"vm1\"} 0.0")
          .containsPattern(
              "anabranch_unit_write_latency_seconds_count\\{snapshot=\"\",volume=\"vm1\"} 5\n")
          .containsPattern("anabranch_session_commands_total\\{initiator=\"iqn[^}]*\"} [1-9]")
          .contains("jvm_memory_used_bytes{area=\"heap\"}")
          .contains("process_open_fds ");
    }
  }

  private static void promtool(List<String> arguments, String input) throws Exception {
    List<String> command = new ArrayList<>(List.of("promtool"));
    command.addAll(arguments);
    Tools.require("promtool"); // of Debian's package prometheus
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().close();
    String said;
    try (InputStream out = process.getInputStream()) {
      said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }

  @Test
  void promtoolFindsNoFaultWithTheMetrics() throws Exception {
    try (Initiator initiator = new Initiator()) {
      work(initiator);
      promtool(List.of("check", "metrics"), get("/metrics").body());
    }
  }

  @Test
  void promtoolFindsNoFaultWithTheAlertRules() throws Exception {
    promtool(List.of("check", "rules", MONITORING.resolve("alerts.yml").toString()), "");
  }

  @Test
  void aPortThatIsTakenIsNamed() throws Exception {
    Path file = folder.resolve("other.conf");
    Files.writeString(
        file,
        """
        anabranch { http { listen = "127.0.0.1:%d" }, portals = ["127.0.0.1:0"], state-dir = "%s" }
        """
            .formatted(port, folder.resolve("other-state")));
    try (ServerProcess second = new ServerProcess(folder, "serve", "--config", file.toString())) {
      assertThat(second.await()).isEqualTo(1);
      assertThat(second.errors()).contains("http: cannot listen on 127.0.0.1:" + port);
    }
  }
}
