// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.naming.AccessList;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Somebody guesses a secret over the wire. */
final class GuessingTest {
  private static final String SECRET = "twelve-bytes-or-more";
  private final TestTarget target =
      new TestTarget(limits -> limits, AccessList.EVERYBODY, new ChapCredentials("user", SECRET));

  @AfterEach
  void stop() {
    target.close();
  }

  private static SessionOptions options(String secret) {
    return SessionOptions.normal(TestTarget.NAME)
        .chap(org.anabranch.initiator.ChapCredentials.of("user", secret, Chap.SHA256));
  }

  private void guess(int number) {
    var login = target.initiator.login(target.portal(), options("a wrong guess " + number));
    LoginException refused =
        Assertions.catchThrowableOfType(LoginException.class, () -> Initiator.await(login, 20));
    assertThat(refused).as("guess %d is refused", number).isNotNull();
    assertThat(refused.status()).isEqualTo(0x0201);
  }

  private static Duration since(long begin) {
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  @Test
  void guessesWaitLongerAndLongerAndTheRightSecretNotForLong() throws Exception {
    List<Duration> took = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      long begin = System.nanoTime();
      guess(i);
      took.add(since(begin));
    }
    assertThat(took.get(7)).as("the eighth, of %s", took).isGreaterThan(Duration.ofMillis(700));
    long begin = System.nanoTime();
    target.login(options(SECRET)).close();
    assertThat(since(begin))
        .as("the right secret after eight wrong ones")
        .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(15));
  }

  /** The wait is a timer: event loops go on, and so do many who wait at once. */
  @Test
  void whoWaitsHoldsNobodyUp() throws Exception {
    String open = "iqn.2026-11.org.anabranch:open";
    target.server.put(target.node(open, AccessList.EVERYBODY, null, Set.of()));
    for (int i = 0; i < 7; i++) {
      guess(i);
    }
    List<CompletableFuture<Session>> guesses = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      guesses.add(target.initiator.login(target.portal(), options("another guess " + i)));
    }
    for (int i = 0; i < 6; i++) {
      target.login(SessionOptions.normal(open)).close();
    }
    assertThat(guesses).as("guesses wait while six others log in").anyMatch(g -> !g.isDone());
    for (CompletableFuture<Session> each : guesses) {
      assertThat(
              Assertions.catchThrowableOfType(
                  LoginException.class, () -> Initiator.await(each, 30)))
          .isNotNull();
    }
  }
}
