// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.Login;
import org.anabranch.naming.AccessList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What {@link SessionEvents} hears of sessions, and how long a login waits for it. */
final class SessionEventsTest {
  /** Writes down what it hears; holds logins back when it is told to. */
  private static final class Recorder implements SessionEvents {
    final List<String> heard = new CopyOnWriteArrayList<>();
    final List<Login> logins = new CopyOnWriteArrayList<>();
    volatile CompletableFuture<@Nullable Void> answer = CompletableFuture.completedFuture(null);

    @Override
    public CompletionStage<@Nullable Void> loggingIn(Login login) {
      logins.add(login);
      heard.add("login" + (login.reinstates() ? ", reinstates" : ""));
      return answer;
    }

    @Override
    public void ended(Login login, End end) {
      assertThat(logins).usingElementComparator((a, b) -> a == b ? 0 : 1).contains(login);
      heard.add(end.toString());
    }
  }

  private final Recorder events = new Recorder();
  private final TestTarget target =
      new TestTarget(
          limits -> limits.loginTimeout(Duration.ofSeconds(2)), AccessList.EVERYBODY, null, events);
  private final SessionOptions options = SessionOptions.normal(TestTarget.NAME);

  @AfterEach
  void stop() {
    target.close();
  }

  private void hears(String... expected) throws InterruptedException {
    Await.until(
        String.join(" | ", expected) + ", but was " + events.heard,
        () -> events.heard.equals(List.of(expected)));
  }

  @Test
  void aLogoutIsTheInitiatorsOwn() throws Exception {
    Session session = target.login(options);
    hears("login");
    SessionEvents.Login login = events.logins.getFirst();
    assertThat(login.initiator()).isEqualTo(SessionOptions.DEFAULT_INITIATOR);
    assertThat(login.isid()).isEqualTo(options.isid());
    assertThat(login.target()).isEqualTo(TestTarget.NAME);
    Initiator.await(session.logout(), 20);
    hears("login", "LOGGED_OUT");
  }

  private Session loginAndRead() throws Exception {
    Session session = target.login(options);
    Initiator.await(session.submit(Command.in(0, Cdb.read(0, 8), 4096)), 20);
    return session;
  }

  @Test
  void aConnectionThatIsLostIsNoLogout() throws Exception {
    loginAndRead().connection().reset();
    hears("login", "CONNECTION_LOST");
  }

  /** As iscsi-ls -s ends, which only asks which LUNs there are and how large. */
  @Test
  void aSessionThatReadNothingIsLostUnused() throws Exception {
    target.login(options).connection().reset();
    hears("login", "LOST_UNUSED");
    Session session = target.login(options);
    Initiator.await(Disk.open(session, 0), 20);
    Initiator.await(Disk.reportLuns(session), 20);
    session.connection().reset();
    hears("login", "LOST_UNUSED", "login", "LOST_UNUSED");
  }

  @Test
  void aRegistrationForReservationsIsAUse() throws Exception {
    Session session = target.login(options);
    ByteBuffer key = ByteBuffer.allocate(24).putLong(8, 0x1234);
    byte[] registers = HexFormat.of().parseHex("5f000000000000001800");
    Initiator.await(session.submit(Command.out(0, registers, key)), 20);
    session.connection().reset();
    hears("login", "CONNECTION_LOST");
  }

  @Test
  void aReinstatementIsNoLogout() throws Exception {
    loginAndRead();
    Session second = loginAndRead();
    hears("login", "CONNECTION_LOST", "login, reinstates");
    Initiator.await(
        target.initiator.login(target.portal(), options.tsih(second.parameters().tsih())), 20);
    hears("login", "CONNECTION_LOST", "login, reinstates", "CONNECTION_LOST", "login, reinstates");
  }

  /** A connection that goes while the commands before the Logout end changes nothing. */
  @Test
  void aLogoutCountsThoughNobodyWaitsForItsAnswer() throws Exception {
    Session session = target.login(options);
    target.disk.hold();
    session.start(Command.in(0, Cdb.read(0, 8), 4096));
    Await.until("read reaches the disk", () -> target.disk.heldCount() == 1);
    var logout = session.logout();
    Initiator.await(session.inFlight(), 20); // the loop has written the Logout
    session.connection().close();
    Await.until("the logout fails", logout::isCompletedExceptionally);
    target.disk.letGo();
    hears("login", "LOGGED_OUT");
  }

  @Test
  void aDropByTheAdministratorIsNoLogout() throws Exception {
    Session session = target.login(options);
    target.server.drop(session.parameters().tsih());
    hears("login", "DROPPED");
  }

  /** The initiator of the test answers the request of a server that stops with a Logout. */
  @Test
  void aLogoutThatWasAskedForIsNoLogout() throws Exception {
    Session session = target.login(options);
    target.server.stop(Duration.ofSeconds(4));
    assertThat(session.connection().awaitClosed(TestTarget.SOON)).isTrue();
    hears("login", "DROPPED");
  }

  @Test
  void aLoginWaitsUntilItMayBeAnswered() throws Exception {
    events.answer = new CompletableFuture<>();
    var login = target.initiator.login(target.portal(), options);
    hears("login");
    assertThat(login).isNotDone();
    events.answer.complete(null);
    Initiator.await(login, 20);
  }

  @Test
  void aLoginThatMayNotBeAnsweredIsRefused() throws Exception {
    events.answer = CompletableFuture.failedFuture(new IllegalStateException("no room"));
    LoginException refused =
        catchThrowableOfType(
            LoginException.class,
            () -> Initiator.await(target.initiator.login(target.portal(), options), 20));
    assertThat(refused.status()).isEqualTo(0x0300);
    hears("login", "NOT_LOGGED_IN");
    assertThat(target.server.sessionInfos()).isEmpty();
  }

  /** The bound is the login timeout, and the place of the session is free again. */
  @Test
  void aLoginDoesNotWaitForEver() throws Exception {
    events.answer = new CompletableFuture<>();
    var login = target.initiator.login(target.portal(), options);
    hears("login", "NOT_LOGGED_IN");
    Await.until("the initiator hears of it", login::isCompletedExceptionally);
    assertThat(target.server.sessionInfos()).isEmpty();
  }

  @Test
  void discoveryIsNotReported() throws Exception {
    Session session =
        Initiator.await(target.initiator.login(target.portal(), SessionOptions.discovery()), 20);
    Initiator.await(session.logout(), 20);
    target.login(options);
    hears("login");
  }
}
