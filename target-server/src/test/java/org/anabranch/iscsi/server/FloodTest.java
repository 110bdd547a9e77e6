// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelOutboundBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.session.SessionCounter;
import org.anabranch.iscsi.shares.DataMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions that send without end, or read without hurry: what is done for them is bounded. */
final class FloodTest {
  private static final int AT_ONCE = 1024;
  private static final int PER_SECOND = 500;

  /** One of several initiators; with one name, each would take the place of the one before. */
  private static LoginWire wire(TestTarget target, int number, Map<String, String> keys)
      throws Exception {
    Map<String, String> all = new HashMap<>(keys);
    all.put("InitiatorName", "iqn.2026-11.org.anabranch:wire" + number);
    return target.wire(all);
  }

  private static Pdu flood(String what, LoginWire wire) {
    return switch (what) {
      case "pings" -> Requests.nopOut(wire.nextTag()).immediate(true).cmdSn(wire.cmdSn);
      case "task management" ->
          Requests.taskManagement(8, 0, wire.nextTag(), Pdu.NO_TAG, 0).cmdSn(wire.cmdSn);
      default -> throw new IllegalArgumentException(what);
    };
  }

  /** What one session sends is taken only so fast, and a neighbour is answered all the time. */
  @ParameterizedTest
  @ValueSource(strings = {"pings", "task management"})
  void aFloodIsTakenSlowly(String what) throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget()) {
      Session neighbour = target.login();
      LoginWire wire = target.wire(Map.of());
      AtomicBoolean stop = new AtomicBoolean();
      long begin = System.nanoTime();
      Thread sender =
          Thread.ofPlatform().start(() -> wire.flood(100_000, stop, () -> flood(what, wire)));
      for (int i = 0; i < 50; i++) {
        assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
      }
      long taken = 0;
      if (what.equals("pings")) {
        while (System.nanoTime() - begin < Duration.ofMillis(1500).toNanos()) {
          wire.receive();
          taken++;
        }
      } else {
        Await.until(
            "a second is over",
            () -> System.nanoTime() - begin > Duration.ofMillis(1500).toNanos());
        taken = requests(target);
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      assertThat(taken)
          .as("PDUs taken in %.1f s", seconds)
          .isLessThanOrEqualTo(AT_ONCE + 2 + (long) Math.ceil(seconds * PER_SECOND));
      assertThat(pauses(target))
          .as("times that the flood was taken up again in %.1f s", seconds)
          .isLessThan(20 + (int) Math.ceil(seconds * 20));
      stop.set(true);
      wire.connection.close();
      sender.join();
      assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
      log.takeWarnings();
    }
  }

  /** Of the session that was paused most often. */
  private static int pauses(TestTarget target) {
    return Set.copyOf(target.server.sessions().all()).stream()
        .mapToInt(session -> session.connection().pauses())
        .max()
        .orElseThrow();
  }

  private static Pdu floodOf(String what, LoginWire wire) {
    return what.equals("unknown opcodes")
        ? new Pdu(0x1e).immediate(true).taskTag(wire.nextTag()).cmdSn(wire.cmdSn)
        : flood(what, wire);
  }

  private static double readsPerSecond(Session session) throws Exception {
    long begin = System.nanoTime();
    long count = 0;
    while (System.nanoTime() - begin < 1_000_000_000L) {
      assertThat(TestTarget.read(session, 0, 8).isGood()).isTrue();
      count++;
    }
    return count * 1e9 / (System.nanoTime() - begin);
  }

  /**
   * Eight sessions flood; another one is answered meanwhile. How fast depends on the processors,
   * which the senders use, too: {@code ConnectionTurnTest} has what a session may do in a turn.
   */
  @ParameterizedTest
  @ValueSource(strings = {"pings", "task management", "unknown opcodes"})
  void eightFloodsDoNotKeepAGoodClientWaiting(String what) throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget()) {
      Session good = target.login();
      readsPerSecond(good); // the compiler's first work
      double before = readsPerSecond(good);
      AtomicBoolean stop = new AtomicBoolean();
      List<LoginWire> wires = new ArrayList<>();
      List<Thread> senders = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        LoginWire wire = wire(target, i, Map.of());
        wires.add(wire);
        senders.add(
            Thread.ofPlatform().start(() -> wire.flood(200_000, stop, () -> floodOf(what, wire))));
      }
      Await.until(
          "the floods are over what is taken at once",
          () -> requests(target) > 8 * AT_ONCE || !what.equals("task management"));
      double beside = readsPerSecond(good);
      stop.set(true);
      wires.forEach(wire -> wire.connection.reset());
      for (Thread sender : senders) {
        sender.join();
      }
      System.out.printf("%s by 8: reads a second %.0f, before %.0f%n", what, beside, before);
      log.takeWarnings();
    }
  }

  private static long requests(TestTarget target) {
    return target.server.sessionInfos().stream()
        .mapToLong(info ->
            info.counts()
                .counters(SessionCounter.class)
                .get(SessionCounter.TASK_MANAGEMENT_REQUESTS))
        .sum();
  }

  /** They are ignored without an answer, so a ping behind them shows how fast they were taken. */
  @Test
  void whatIsIgnoredIsTakenSlowlyToo() throws Exception {
    try (TestTarget target = new TestTarget()) {
      LoginWire wire = target.wire(Map.of());
      long begin = System.nanoTime();
      for (int i = 0; i < AT_ONCE + PER_SECOND; i++) {
        wire.send(
            Requests.command(0, wire.nextTag(), Cdb.testUnitReady(), Requests.FINAL, 0)
                .cmdSn(wire.cmdSn - 1));
      }
      wire.ask(Requests.nopOut(wire.nextTag()).immediate(true).cmdSn(wire.cmdSn));
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(900));
    }
  }

  /** Data that nobody reads: over all sessions there is not much more of it than the limit. */
  @Test
  void whatNobodyReadsIsBoundedOverAllSessions() throws Exception {
    int sessions = 12;
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget(limits -> limits.unsent(1 << 20))) {
      Session neighbour = target.login();
      List<LoginWire> wires = new ArrayList<>();
      for (int i = 0; i < sessions; i++) {
        LoginWire wire = wire(target, i, Map.of("MaxRecvDataSegmentLength", "65536"));
        wire.connection.stopReading();
        wires.add(wire);
        for (int k = 0; k < 400; k++) {
          wire.send(
              Requests.nopOut(wire.nextTag())
                  .immediate(true)
                  .cmdSn(wire.cmdSn)
                  .data(new byte[60_000]));
        }
      }
      Await.until("more than the limit waits", () -> waiting(target) > 1 << 20);
      long most = 0;
      long until = System.nanoTime() + Duration.ofSeconds(2).toNanos();
      while (System.nanoTime() - until < 0) {
        most = Math.max(most, waiting(target));
        assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
      }
      assertThat(most).isLessThan((1 << 20) + sessions * (64 << 10) + (4 << 20) + (1 << 20));
      for (LoginWire wire : wires) {
        wire.connection.reset();
      }
      Await.until("all is forgotten", () -> target.server.terms().unsent().bytes() == 0);
      log.takeWarnings();
    }
  }

  /**
   * A window full of reads that come at once, while so much waits for others that a connection may
   * queue little. What one flush sends is waited for by nobody, so the next reads must be taken.
   */
  @Test
  void readsThatComeAtOnceAreAnsweredWhileOthersReadNothing() throws Exception {
    try (TestTarget target = new TestTarget(limits -> limits.unsent(1 << 20))) {
      target.server.terms().unsent().add(2 << 20);
      LoginWire wire = target.wire(Map.of());
      for (int round = 0; round < 4; round++) {
        ByteBuffer reads = ByteBuffer.allocate(16 * Pdu.BHS_LENGTH);
        for (int i = 0; i < 16; i++) {
          reads.put(wire.command(Cdb.read(0, 9), Requests.READ | Requests.FINAL, 9 * 512).bhs());
        }
        wire.connection.sendBytes(reads.array());
        for (int i = 0; i < 16; i++) {
          assertThat(wire.receive().opcode()).isEqualTo(Opcode.DATA_IN);
        }
      }
    }
  }

  private static long waiting(TestTarget target) {
    long bytes = 0;
    for (var session : Set.copyOf(target.server.sessions().all())) {
      ChannelOutboundBuffer queue = session.connection().channel().unsafe().outboundBuffer();
      bytes += queue == null ? 0 : queue.totalPendingWriteBytes();
    }
    return bytes;
  }

  /** A read of a good initiator beside writes whose data never comes. */
  @Test
  void aReadFindsMemoryBesideWritesWhoseDataNeverComes() throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget(limits -> limits.dataMemory(16 << 20))) {
      Session good = target.login();
      List<LoginWire> wires = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        LoginWire wire = wire(target, i, Map.of("InitialR2T", "Yes"));
        wires.add(wire);
        for (int k = 0; k < 16; k++) {
          wire.send(wire.write(0, 2048, true));
        }
        assertThat(org.anabranch.iscsi.Wire.describe(wire.receive())).isEqualTo("r2t");
      }
      long begin = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        assertThat(TestTarget.read(good, 0, 512).isGood()).isTrue();
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
      for (LoginWire wire : wires) {
        wire.connection.reset();
      }
      log.takeWarnings();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** An R2T that is answered slowly. */
  private static final class Trickle {
    private static final int PIECE = 4096;
    private final LoginWire wire;
    private final Pdu r2t;
    private int sent;

    Trickle(LoginWire wire, Pdu r2t) {
      this.wire = wire;
      this.r2t = r2t;
    }

    void go() {
      if (wire.connection.isOpen()) {
        wire.send(
            Requests.dataOut(0, r2t.taskTag(), r2t.transferTag(), sent, sent * PIECE, false)
                .data(new byte[PIECE]));
        sent++;
      }
    }
  }

  /**
   * Peers hold all the memory that there is, and send as much as anybody must. When somebody waits
   * who has nothing, that is too little.
   */
  @Test
  void nobodyStarvesBesideWritesWhoseDataTrickles() throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target =
            new TestTarget(
                limits -> limits.dataMemory(16 << 20).sendTimeout(Duration.ofSeconds(6)))) {
      Session good = target.login();
      List<Trickle> trickles = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        LoginWire wire = wire(target, i, Map.of("InitialR2T", "Yes"));
        for (int k = 0; k < 8; k++) {
          wire.send(wire.write(0, 1024, true));
        }
        if (target.server.terms().memory().free() > 0) {
          trickles.add(new Trickle(wire, wire.receive()));
        }
      }
      DataMemory memory = target.server.terms().memory();
      assertThat(memory.free())
          .as("of %d", memory.capacity())
          .isLessThanOrEqualTo(memory.capacity() / 8);
      AtomicBoolean stop = new AtomicBoolean();
      Thread sender =
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  trickles.forEach(Trickle::go);
                  java.util.concurrent.locks.LockSupport.parkNanos(400_000_000);
                }
              });
      long begin = System.nanoTime();
      for (int i = 0; i < 5; i++) {
        assertThat(TestTarget.read(good, 0, 2048).isGood()).isTrue();
      }
      long millis = (System.nanoTime() - begin) / 1_000_000;
      System.out.printf("5 reads of 1 MiB beside trickled writes: %d ms%n", millis);
      stop.set(true);
      sender.join();
      assertThat(millis).isLessThan(15_000);
      log.takeWarnings();
    }
  }

  /**
   * A peer that does not read is dropped long before its timeout is over when somebody waits for
   * memory, since data that it does not read holds some.
   */
  @Test
  void whoReadsNothingIsDroppedSoonWhenOthersWaitForMemory() throws Exception {
    Duration timeout = Duration.ofSeconds(30);
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget(limits -> limits.sendTimeout(timeout))) {
      LoginWire wire = target.wire(Map.of("MaxRecvDataSegmentLength", "65536"));
      DataMemory memory = target.server.terms().memory();
      assertThat(memory.tryReserve(memory.capacity())).isTrue();
      var _ = memory.account().await(1, Runnable::run, () -> {});
      assertThat(memory.isContended()).isTrue();
      wire.connection.stopReading();
      for (int k = 0; k < 400; k++) {
        wire.send(
            Requests.nopOut(wire.nextTag())
                .immediate(true)
                .cmdSn(wire.cmdSn)
                .data(new byte[60_000]));
      }
      assertThat(wire.connection.awaitClosed(timeout.dividedBy(2))).isTrue();
      assertThat(log.takeWarnings()).singleElement().asString().contains("it reads nothing");
    }
  }
}
