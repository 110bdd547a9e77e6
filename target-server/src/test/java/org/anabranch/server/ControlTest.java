// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.ControlLimits;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The control socket: its bounds, two commands at once, clients that go, servers that stop. */
final class ControlTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      """;

  /** As many as are wanted at once, on any number of processors. */
  private static final Executor THREADS = Executors.newVirtualThreadPerTaskExecutor();

  @TempDir private Path folder;

  private static String line(SocketChannel channel) throws IOException {
    return String.valueOf(
        new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8)).readLine());
  }

  private static void send(SocketChannel channel, String text) throws IOException {
    Writer out = Channels.newWriter(channel, StandardCharsets.UTF_8);
    out.write(text);
    out.flush();
  }

  /** A connection whose greeting was read. */
  private static SocketChannel connect(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    ByteBuffer one = ByteBuffer.allocate(1);
    StringBuilder greeting = new StringBuilder();
    while (channel.read(one.clear()) == 1 && one.get(0) != '\n') {
      greeting.append((char) one.get(0));
    }
    assertThat(greeting.toString())
        .matches(
            "\\{\"greeting\":\\{\"server\":\"anabranch\",\"version\":\"[^\"]+\",\"protocol\":1}}");
    return channel;
  }

  /** The arguments of a verb of this test. */
  public record What(String what) {}

  /** Its result. */
  public record Said(String said) {}

  private static <A extends Record, R extends Record> Verb<A, Nothing, R> verb(
      String name, Class<A> arguments, Class<R> result, Function<A, R> handler) {
    return new Verb<>() {
      @Override
      public Call<A, Nothing, R> call() {
        return Call.of(name, "For a test.", arguments, result);
      }

      @Override
      public R run(A given, Caller<Nothing> caller) {
        return handler.apply(given);
      }
    };
  }

  @Test
  void boundsAreHeldAndSaid() throws Exception {
    Path socket = folder.resolve("s");
    AtomicInteger entered = new AtomicInteger();
    CountDownLatch leave = new CountDownLatch(1);
    Verb<?, ?, ?> echo = verb("echo", What.class, Said.class, what -> new Said(what.what()));
    Verb<?, ?, ?> block =
        verb(
            "block",
            Nothing.class,
            Nothing.class,
            nothing -> {
              entered.incrementAndGet();
              try {
                leave.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return nothing;
            });
    List<SocketChannel> clients = new ArrayList<>();
    try (ControlServer _ =
        ControlServer.start(socket, List.of(echo, block), () -> new ControlLimits(64, 8))) {
      assertThat(Files.getPosixFilePermissions(socket)).hasSize(2);
      for (String[] each :
          new String[][] {
            {
              "{\"verb\":\"echo\",\"arguments\":{\"what\":\"x\"}}\n",
              "{\"result\":{\"said\":\"x\"}}"
            },
            {"{\"verb\":\"echo\"}\n", "{\"error\":\"argument what is missing\"}"},
            {
              "{\"verb\":\"echo\",\"arguments\":{\"what\":\"x\",\"force\":true}}\n",
              "{\"error\":\"there is no argument force; there are: what\"}"
            },
            {"{\"verb\":\"eco\"}\n", "{\"error\":\"no such verb: eco; there are block, echo\"}"},
            {
              "{\"verb\":\"echo\",\"arguments\":{\"what\":1}}\n",
              "{\"error\":\"argument what is not a text\"}"
            },
            {
              "{\"protocol\":1,\"verb\":\"echo\",\"arguments\":{\"what\":\"x\"}}\n",
              "{\"result\":{\"said\":\"x\"}}"
            },
            {
              "{\"protocol\":2,\"verb\":\"echo\"}\n",
              "{\"error\":\"the command speaks protocol 2 and this server up to 1: use the command of"
                  + " the server's version\"}"
            },
            {
              "{\"verb\":\"echo\",\"arguments\":[]}\n", "{\"error\":\"arguments is not an object\"}"
            },
            {"x".repeat((1 << 20) + 1), "{\"error\":\"a request has at most 1048576 bytes\"}"}
          }) {
        try (SocketChannel client = connect(socket)) {
          send(client, each[0]);
          assertThat(line(client)).isEqualTo(each[1]);
          assertThat(line(client)).as("its place is free").isEqualTo("null");
        }
      }
      try (SocketChannel client = connect(socket)) {
        send(client, "nonsense\n");
        assertThat(line(client)).startsWith("{\"error\":\"not a JSON object");
        assertThat(line(client)).as("its place is free").isEqualTo("null");
      }
      for (int i = 0; i < 64; i++) {
        SocketChannel client = connect(socket);
        send(client, "{\"verb\":\"block\"}\n");
        clients.add(client);
      }
      Await.until("all 64 are let in", entered::get, count -> count == 64);
      try (SocketChannel more = connect(socket)) {
        send(more, "{\"verb\":\"block\"}\n");
        assertThat(line(more)).contains("64 commands of ", " are at work already; try again later");
      }
      leave.countDown();
      for (SocketChannel client : clients) {
        assertThat(line(client)).isEqualTo("{\"result\":{}}");
        client.close();
      }
    }
    assertThat(socket).doesNotExist();
  }

  @Test
  void whoAsksNothingMakesRoomForWhoDoes() throws Exception {
    Path socket = folder.resolve("s");
    Verb<?, ?, ?> echo = verb("echo", Nothing.class, Nothing.class, nothing -> nothing);
    List<SocketChannel> idle = new ArrayList<>();
    try (ControlServer _ =
        ControlServer.start(socket, List.of(echo), () -> new ControlLimits(64, 8), 0)) {
      for (int i = 0; i < 64; i++) {
        idle.add(connect(socket));
      }
      try (SocketChannel client = connect(socket)) {
        send(client, "{\"verb\":\"echo\"}\n");
        assertThat(line(client)).isEqualTo("{\"result\":{}}");
      }
      assertThat(line(idle.getFirst()))
          .as("the one that has been idle the longest")
          .isEqualTo("null");
      for (SocketChannel each : idle) {
        each.close();
      }
    }
  }

  /** A hundred of dm wait used to lock out every command, status too. */
  @Test
  void whoWaitsTakesNoPlaceOfACommand() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      List<SocketChannel> waiting = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        waiting.add(await(site));
      }
      assertThat(site.ask("status", Map.of())).containsKey("volumes");
      assertThat(site.ask("session list", Map.of())).containsKey("sessions");
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      for (SocketChannel client : waiting) {
        client.close();
      }
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void waitingIsBoundedByTheConfigurationAndWhoIsGoneTakesNoRoom() throws Exception {
    Site site = new Site(folder);
    String limits = "limits { control-commands = 1, control-waiting = %d }\n" + CONFIGURATION;
    try (ServerProcess server = site.serve(limits.formatted(3))) {
      List<SocketChannel> waiting = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        waiting.add(await(site));
      }
      String user = System.getProperty("user.name", "");
      assertThat(site.refusal("dm wait", Map.of("name", "vm1")))
          .isEqualTo(
              "3 commands of "
                  + user
                  + " wait or take long already; end one of them, or raise limits.control-waiting");
      assertThat(site.ask("status", Map.of())).containsKey("volumes");
      site.configure(limits.formatted(4));
      site.ask("reload", Map.of());
      waiting.add(await(site));
      for (SocketChannel client : waiting) {
        client.close();
      }
      await(site).close(); // as soon as the server has seen that they are gone
      assertThat(server.terminate()).isZero();
    }
  }

  /** A client that waits for an event; tried again while it is refused. */
  private static SocketChannel await(Site site) throws IOException {
    while (true) {
      SocketChannel client = connect(site.socket());
      send(client, "{\"verb\":\"dm wait\",\"arguments\":{\"name\":\"vm1\"}}\n");
      if (line(client).equals("{\"progress\":{\"state\":\"waiting\"}}")) {
        return client;
      }
      client.close();
    }
  }

  @Test
  void aLongPathIsServed() throws Exception {
    Path deep = folder;
    while (deep.toString().length() < 300) {
      deep = deep.resolve("a-folder-with-a-name-that-is-not-short");
    }
    Files.createDirectories(deep);
    Site site = new Site(deep);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.anabranch(0, "volume", "list")).contains("vm1");
      assertThat(server.terminate()).isZero();
    }
    assertThat(site.socket()).doesNotExist();
  }

  @Test
  void twoAtOnceAndAClientThatGoesLeaveNothingHalfDone() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      List<CompletableFuture<String>> answers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        answers.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"))
                        .toString();
                  } catch (RefusedException e) {
                    return String.valueOf(e.getMessage());
                  }
                },
                THREADS));
      }
      List<String> said = answers.stream().map(CompletableFuture::join).toList();
      assertThat(said)
          .filteredOn(answer -> answer.contains("snapshot vm1@a exists; remove it first"))
          .hasSize(7);

      // A client that is killed right after its request: the work is done all the same.
      try (SocketChannel client = connect(site.socket())) {
        send(
            client,
            "{\"verb\":\"snapshot create\",\"arguments\":{\"volume\":\"vm1\",\"name\":\"b\"}}\n");
      }
      // One that is killed within it: nothing is.
      try (SocketChannel client = connect(site.socket())) {
        send(client, "{\"verb\":\"snapshot create\",\"arguments\":{\"volume\":\"vm1\",\"na");
      }
      Await.until(
          "vm1@b is listed",
          () -> site.ask("snapshot list", Map.of()).toString(),
          list -> list.contains("name=vm1@b"));
      assertThat(site.ask("snapshot remove", Map.of("name", "vm1@b"))).isNotNull();
      assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@b")))
          .isEqualTo("there is no snapshot vm1@b; there are: vm1@a");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aStopEndsWhatHasBegunAndRefusesTheRest() throws Exception {
    Site site = new Site(folder);
    Set<String> made = ConcurrentHashMap.newKeySet();
    CountDownLatch some = new CountDownLatch(3);
    try (ServerProcess server = site.serve(CONFIGURATION);
        Initiator initiator = new Initiator()) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "w"));
      List<CompletableFuture<?>> askers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int asker = i;
        askers.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int n = 0; ; n++) {
                    String name = "s" + asker + "-" + n;
                    try {
                      new ControlClient(site.socket())
                          .ask("snapshot create", Map.of("volume", "vm1", "name", name), p -> {});
                      made.add("vm1@" + name);
                      some.countDown();
                    } catch (RefusedException e) {
                      assertThat(e.getMessage())
                          .containsAnyOf(
                              "stopping",
                              "stopped before it answered",
                              "no server has",
                              "no answer");
                      return;
                    }
                  }
                },
                THREADS));
      }
      CompletableFuture<String> watcher =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return site.anabranch(1, "snapshot", "merge", "--wait", "vm1@w");
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              THREADS);
      Await.until(
          "the merge waits",
          () -> site.ask("snapshot list", Map.of("volume", "vm1")).toString(),
          list -> list.contains("phase=waiting"));
      some.await();
      assertThat(host.lives()).isTrue();
      assertThat(server.terminate()).isZero();
      askers.forEach(CompletableFuture::join);
      assertThat(watcher.join()).contains("what was begun goes on when it runs again");
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      String list = site.ask("snapshot list", Map.of()).toString();
      made.forEach(name -> assertThat(list).contains("name=" + name));
      assertThat(server.terminate()).isZero();
    }
  }
}
