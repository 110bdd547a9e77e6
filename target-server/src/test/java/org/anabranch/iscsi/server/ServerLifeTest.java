// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Sense;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionListener;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.AdvertisedAddress;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Portals, nodes and sessions that come and go; discovery; memory; the end. */
final class ServerLifeTest {
  private static final String OTHER = "iqn.2026-11.org.anabranch:other";

  private final TestTarget target = new TestTarget();

  @AfterEach
  void stop() {
    target.close();
  }

  private List<DiscoveredTarget> discover(SessionOptions options, String which) throws Exception {
    return Initiator.await(
        target.initiator.discover(target.portal(), options, which), TestTarget.SOON.toSeconds());
  }

  private static boolean ready(Session session) throws Exception {
    return session.submit(Command.of(0, Cdb.testUnitReady())).get().isGood();
  }

  private String address(int tag) {
    return "127.0.0.1:" + target.server.portals().get(tag - 1).address().getPort() + "," + tag;
  }

  // --- discovery ----------------------------------------------------------------------------

  @Test
  void overLoopbackATargetIsFirstWhereTheInitiatorIs() throws Exception {
    assertThat(discover(SessionOptions.discovery(), "All"))
        .containsExactly(
            new DiscoveredTarget(TestTarget.NAME, List.of()),
            new DiscoveredTarget(TestTarget.NAME, List.of(address(1))));
  }

  @Test
  void everyPortalIsListedWithItsTag() throws Exception {
    target.server.addPortal(TestTarget.loopback(2));
    target.server.put(target.node(OTHER, AccessList.EVERYBODY, null, Set.of(2)));
    assertThat(discover(SessionOptions.discovery(), "All"))
        .containsExactly(
            new DiscoveredTarget(TestTarget.NAME, List.of()),
            new DiscoveredTarget(TestTarget.NAME, List.of(address(1), address(2))));
    assertThat(discover(SessionOptions.discovery(), OTHER)).isEmpty();
    assertThat(
            Initiator.await(
                target.initiator.discover(target.server.portals().getLast().address()),
                TestTarget.SOON.toSeconds()))
        .contains(new DiscoveredTarget(OTHER, List.of(address(2))));
  }

  @Test
  void whoMayNotLogInIsNotShown() throws Exception {
    AccessList others = AccessList.named("iqn.1993-08.org.debian:*");
    target.server.put(target.node(OTHER, others, null, Set.of()));
    assertThat(discover(SessionOptions.discovery(), "All"))
        .extracting(DiscoveredTarget::name)
        .containsOnly(TestTarget.NAME);
    assertThat(discover(SessionOptions.discovery(), OTHER)).isEmpty();
    assertThat(discover(SessionOptions.discovery().as("iqn.1993-08.org.debian:1"), OTHER))
        .isNotEmpty();
  }

  @Test
  void aNormalSessionIsToldOfItsOwnTargetOnly() throws Exception {
    target.server.put(target.node(OTHER, AccessList.EVERYBODY, null, Set.of()));
    for (String which : List.of("", TestTarget.NAME, "All")) {
      assertThat(discover(SessionOptions.normal(TestTarget.NAME), which))
          .extracting(DiscoveredTarget::name)
          .containsOnly(TestTarget.NAME);
    }
  }

  @Test
  void whatAsksForNothingThatThereIsIsRejectedAsAWhole() throws Exception {
    for (SessionOptions options :
        List.of(SessionOptions.discovery(), SessionOptions.normal(TestTarget.NAME))) {
      try (Session session =
          Initiator.await(target.initiator.login(target.portal(), options), 20)) {
        for (Map<String, String> keys :
            List.of(
                Map.of("SendTargets", "Alle"),
                Map.of("SendTargets", "A"),
                Map.of("SendTargets", "all"),
                Map.of("sENDtARGETS", "aLL"),
                Map.of("SendTargetsPlease", "All"))) {
          assertThatThrownBy(() -> session.text(keys).get())
              .as("%s", keys)
              .hasMessageContaining("reason 0x04");
        }
        assertThat(session.text(Map.of("X-org.example.key", "1", "NoSuchKey", "2")).get())
            .containsExactlyInAnyOrder(
                Map.entry("X-org.example.key", "NotUnderstood"),
                Map.entry("NoSuchKey", "NotUnderstood"));
        assertThat(session.text(Map.of("SendTargets", "iqn.2026-11.org.anabranch:none")).get())
            .isEmpty();
        assertThat(session.text(Map.of("SendTargets", "All")).get())
            .contains(Map.entry("TargetName", TestTarget.NAME));
      }
    }
  }

  @Test
  void manyTargetsTakeManyPdus() throws Exception {
    for (int i = 0; i < 200; i++) {
      target.server.put(target.node(OTHER + i, AccessList.EVERYBODY, null, Set.of()));
    }
    SessionOptions small = SessionOptions.discovery().key("MaxRecvDataSegmentLength", "512");
    assertThat(discover(small, "All"))
        .filteredOn(found -> !found.addresses().isEmpty())
        .hasSize(201);
  }

  @Test
  void aWildcardPortalIsShownWithTheAddressThatWasReached() throws Exception {
    BoundPortal any = target.server.addPortal(new Portal(new InetSocketAddress(0), 3, List.of()));
    InetSocketAddress reached =
        new InetSocketAddress(InetAddress.getByName("127.0.0.2"), any.address().getPort());
    List<DiscoveredTarget> found =
        Initiator.await(target.initiator.discover(reached), TestTarget.SOON.toSeconds());
    assertThat(found.getLast().addresses()).contains("127.0.0.2:" + any.address().getPort() + ",3");
  }

  @Test
  void anAdvertisedAddressIsShownInstead() throws Exception {
    InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    BoundPortal nat =
        target.server.addPortal(
            new Portal(
                loopback,
                5,
                List.of(
                    new AdvertisedAddress("192.0.2.7", 3260),
                    new AdvertisedAddress("[2001:db8::7]", 3260))));
    List<DiscoveredTarget> found =
        Initiator.await(target.initiator.discover(nat.address()), TestTarget.SOON.toSeconds());
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().addresses()).contains("192.0.2.7:3260,5", "[2001:db8::7]:3260,5");
  }

  // --- portals, nodes, sessions at run time -------------------------------------------------

  @Test
  void aPortalThatIsTakenIsRefusedByName() {
    Portal taken = new Portal(target.portal(), 9);
    assertThatThrownBy(() -> target.server.addPortal(taken))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot listen on 127.0.0.1:" + target.portal().getPort());
    assertThat(target.server.portals()).hasSize(1);
  }

  @Test
  void aPortalGoesAndItsSessionsStay() throws Exception {
    Session session = target.login();
    target.server.removePortal(target.server.portals().getFirst().portal());
    assertThat(target.server.portals()).isEmpty();
    assertThat(ready(session)).isTrue();
  }

  @Test
  void aNodeGoesWithItsSessionsAndOthersStay() throws Exception {
    target.server.put(target.node(OTHER, AccessList.EVERYBODY, null, Set.of()));
    Session stays = target.login();
    Session goes = target.login(SessionOptions.normal(OTHER));
    target.server.remove(OTHER);
    assertThat(goes.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(ready(stays)).isTrue();
    assertThat(target.server.sessionInfos())
        .extracting(SessionInfo::target)
        .containsExactly(TestTarget.NAME);
  }

  @Test
  void aSessionIsListedAndDropped() throws Exception {
    Session session = target.login(SessionOptions.normal(TestTarget.NAME).digests(true, false));
    SessionInfo info = target.server.sessionInfos().getFirst();
    assertThat(info.initiator()).isEqualTo(SessionOptions.DEFAULT_INITIATOR);
    assertThat(info.isid()).isEqualTo(session.options().isid());
    assertThat(info.tsih()).isEqualTo(session.parameters().tsih());
    assertThat(info.digests().coverHeaders()).isTrue();
    assertThat(info.digests().coverData()).isFalse();
    assertThat(target.server.drop(info.tsih())).isTrue();
    assertThat(session.connection().awaitClosed(TestTarget.SOON)).isTrue();
    Await.until("it is gone", () -> target.server.sessionInfos().isEmpty());
    assertThat(target.server.drop(info.tsih())).isFalse();
  }

  @Test
  void aColdResetEndsAllSessionsOfTheTarget() throws Exception {
    target.server.put(target.node(OTHER, AccessList.EVERYBODY, null, Set.of()));
    Session resets = target.login();
    Session same = target.login(SessionOptions.normal(TestTarget.NAME));
    Session other = target.login(SessionOptions.normal(OTHER));
    assertThat(resets.manage(TaskManagement.TARGET_COLD_RESET, 0).get())
        .isEqualTo(TaskManagement.COMPLETE);
    assertThat(resets.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(same.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(ready(other)).isTrue();
  }

  // --- memory -------------------------------------------------------------------------------

  @Test
  void commandsThatFindNoMemoryWaitInOrder() throws Exception {
    // Half of it is for commands: one megabyte, and each write needs one less its place.
    try (TestTarget small = new TestTarget(limits -> limits.dataMemory(2 << 20).queueDepth(8))) {
      Session session = small.login();
      List<CompletableFuture<Response>> writes = new ArrayList<>();
      byte[][] data = new byte[12][1 << 20];
      for (int i = 0; i < data.length; i++) {
        Arrays.fill(data[i], (byte) (i + 1));
        writes.add(
            session.submit(
                Command.out(0, Cdb.write(i % 4 * 2048L, 2048, false), ByteBuffer.wrap(data[i]))));
      }
      for (CompletableFuture<Response> write : writes) {
        assertThat(write.get(60, TimeUnit.SECONDS).isGood()).isTrue();
      }
      for (int i = 0; i < 4; i++) {
        assertThat(small.disk.bytes()[i << 20]).isEqualTo((byte) (data.length - 3 + i));
      }
      Session idle = small.login(SessionOptions.normal(TestTarget.NAME));
      assertThat(TestTarget.read(idle, 0, 2048).bytes()).containsOnly(data.length - 3);
    }
  }

  @Test
  void aCommandThatNeedsMoreThanThereIsFails() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.dataMemory(1 << 20))) {
      Session session = small.login();
      Response read = TestTarget.read(session, 0, 4096);
      assertThat(read.status()).isEqualTo(Response.CHECK_CONDITION);
      assertThat(read.sense()).isNotNull();
      assertThat(read.sense().code()).isEqualTo(0x5503);
      assertThat(TestTarget.read(session, 0, 64).isGood()).isTrue();
    }
  }

  /** Data is asked for behind what came at once, whenever memory for it is granted. */
  @Test
  void memoryMayBeGrantedWhileTheCommandIsStillComing() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.dataMemory(2 << 20))) {
      Session holder = small.login();
      LoginWire wire = small.wire(Map.of("ImmediateData", "Yes", "InitialR2T", "Yes"));
      small.disk.hold();
      CompletableFuture<Response> read = holder.submit(Command.in(0, Cdb.read(0, 2048), 1 << 20));
      small.disk.awaitHeld(1);
      byte[] data = new byte[1 << 20];
      new Random(9).nextBytes(data);
      Pdu write = wire.write(0, 2048, true).data(Arrays.copyOf(data, 16384));
      wire.connection.sendPart(write, 48 + 5000);
      Await.until("the write waits", () -> small.server.terms().memory().isContended());
      small.disk.letGo();
      assertThat(read.get(20, TimeUnit.SECONDS).isGood()).isTrue();
      Await.until("it has its memory", () -> !small.server.terms().memory().isContended());
      wire.connection.sendBytes(Arrays.copyOfRange(data, 5000, 16384));
      int offset = 16384;
      while (offset < data.length) {
        Pdu r2t = wire.receive();
        assertThat(r2t.opcode()).isEqualTo(Opcode.READY_TO_TRANSFER);
        assertThat(r2t.i32(40)).as("offset asked for").isEqualTo(offset);
        int length = r2t.i32(44);
        for (int at = 0, dataSn = 0; at < length; at += 65536, dataSn++) {
          int end = Math.min(length, at + 65536);
          wire.send(
              Requests.dataOut(
                      0, write.taskTag(), r2t.transferTag(), dataSn, offset + at, end == length)
                  .data(Arrays.copyOfRange(data, offset + at, offset + end)));
        }
        offset += length;
      }
      wire.expectStatus(write.taskTag(), 0, 0);
      assertThat(Arrays.copyOf(small.disk.bytes(), data.length)).isEqualTo(data);
    }
  }

  @Test
  void allMemoryComesBack() throws Exception {
    long memory = target.server.terms().memory().free();
    for (int round = 0; round < 3; round++) {
      Session session = target.login();
      target.disk.hold();
      for (int i = 0; i < 8; i++) {
        session.start(
            Command.out(0, Cdb.write(0, 1024, false), ByteBuffer.wrap(new byte[512 << 10])));
        session.start(Command.in(0, Cdb.read(0, 1024), 512 << 10));
      }
      Await.until("they reach the disk", () -> target.disk.heldCount() > 0);
      session.connection().reset();
      Await.until("the connection is missed", () -> target.disk.heldCount() > 0);
      target.disk.letGo();
      Await.until("the session is gone", () -> target.server.sessionInfos().isEmpty());
    }
    Await.until("places are back", () -> ServerInsides.heldForPlaces(target.server) == 0);
    Await.until("memory is back", () -> target.server.terms().memory().free() == memory);
  }

  // --- the end ------------------------------------------------------------------------------

  @Test
  void stoppingAsksForLogoutAndTakesNoLongerThanItMay() throws Exception {
    BlockingQueue<Integer> events = new LinkedBlockingQueue<>();
    SessionListener listener =
        new SessionListener() {
          @Override
          public void asyncMessage(Session session, int event, Pdu message, @Nullable Sense sense) {
            events.add(event);
            SessionListener.super.asyncMessage(session, event, message, sense);
          }
        };
    Session polite =
        Initiator.await(
            target.initiator.login(
                target.portal(), SessionOptions.normal(TestTarget.NAME), listener),
            20);
    target.server.stop(Duration.ofSeconds(10));
    assertThat(events.poll(20, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(polite.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(target.server.sessionInfos()).isEmpty();
  }

  @Test
  void stoppingEndsSessionsThatDoNotLogOut() throws Exception {
    SessionListener deaf =
        new SessionListener() {
          @Override
          public void asyncMessage(
              Session session, int event, Pdu message, @Nullable Sense sense) {}
        };
    Session session =
        Initiator.await(
            target.initiator.login(target.portal(), SessionOptions.normal(TestTarget.NAME), deaf),
            20);
    target.server.stop(Duration.ofMillis(200));
    assertThat(session.connection().awaitClosed(TestTarget.SOON)).isTrue();
  }
}
