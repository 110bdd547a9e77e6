// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.iscsi.session.SessionEvents.End;
import org.anabranch.iscsi.session.SessionEvents.Login;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules of {@link Uses}, one by one. */
final class UsesTest {
  private static final String A = "iqn.1993-08.org.debian:01:a";
  private static final String B = "iqn.1993-08.org.debian:01:b";
  private static final String T = "iqn.2026-11.org.example:t";
  private static final long OPEN_ISCSI = 0x00023d000001L;
  private static final long RANDOM = 0x800000000001L;
  private static final Set<String> VM1 = Set.of("vm1", "vm1@s");

  @TempDir Path folder;
  private Instant now = Instant.parse("2026-11-29T20:00:00Z");
  private final List<Runnable> writes = new ArrayList<>();
  private boolean writesAtOnce = true;
  private Map<String, Set<String>> luns = Map.of(A, Set.of("vm1"), B, Set.of("vm1"));
  private Uses uses;

  private Uses opened(int maxSize, Set<String> before) throws RefusedException {
    Uses opened =
        Uses.open(
            new UseFile(folder),
            before,
            (delay, task) -> {
              if (writesAtOnce) {
                task.run();
              } else {
                writes.add(task);
              }
            },
            new WritePace(() -> 0, () -> 0),
            () -> now,
            maxSize);
    opened.sees(this::seen);
    return opened;
  }

  private Set<String> seen(String initiator, String target) {
    return target.equals(T) ? luns.getOrDefault(initiator, Set.of()) : Set.of();
  }

  @BeforeEach
  void open() throws Exception {
    uses = opened(1000, Set.of());
  }

  /** What a kill leaves is what has been written. */
  private void kill() throws Exception {
    uses = opened(1000, Set.of());
  }

  private static Login login(String initiator, long isid) {
    return new Login(
        initiator, isid, T, new InetSocketAddress(InetAddress.getLoopbackAddress(), 1), false);
  }

  private Login logsIn(String initiator, long isid) {
    Login login = login(initiator, isid);
    assertThat(uses.loggingIn(login)).isCompleted();
    return login;
  }

  private List<String> users() {
    return uses.of(VM1).stream().map(User::toString).toList();
  }

  @Test
  void onlyALogoutEndsAUse() {
    Login login = logsIn(A, OPEN_ISCSI);
    assertThat(users()).containsExactly(A + ", logged in");
    for (End end : new End[] {End.CONNECTION_LOST, End.DROPPED}) {
      uses.ended(login, end);
      assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
      login = logsIn(A, OPEN_ISCSI);
      assertThat(users()).containsExactly(A + ", logged in");
    }
    uses.ended(login, End.LOGGED_OUT);
    assertThat(users()).isEmpty();
  }

  /** A program that lists disks ends like this; but it may be a host that comes back. */
  @Test
  void aSessionThatReadNothingLeavesNoUseUnlessThereWasOne() throws Exception {
    uses.ended(logsIn(A, OPEN_ISCSI), End.LOST_UNUSED);
    assertThat(users()).isEmpty();

    uses.ended(logsIn(A, OPEN_ISCSI), End.CONNECTION_LOST);
    now = now.plusSeconds(60);
    uses.ended(logsIn(A, OPEN_ISCSI), End.LOST_UNUSED);
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:01:00Z");

    logsIn(B, OPEN_ISCSI);
    kill();
    uses.ended(logsIn(B, OPEN_ISCSI), End.LOST_UNUSED); // it may have read before the kill
    assertThat(users()).hasSize(2);
  }

  @Test
  void aKillEndsNoUse() throws Exception {
    logsIn(A, OPEN_ISCSI);
    Login other = logsIn(B, OPEN_ISCSI);
    now = now.plusSeconds(60);
    kill();
    assertThat(users())
        .containsExactly(
            A + ", cut off since 2026-11-29T20:01:00Z", B + ", cut off since 2026-11-29T20:01:00Z");
    uses.ended(other, End.LOGGED_OUT); // of the process before: changes nothing
    assertThat(users()).hasSize(2);
    uses.ended(logsIn(A, OPEN_ISCSI), End.LOGGED_OUT);
    kill();
    assertThat(users()).containsExactly(B + ", cut off since 2026-11-29T20:01:00Z");
  }

  /** It is durable before the login is answered; and a nexus that is known writes nothing. */
  @Test
  void aLoginWaitsForTheRecordAndOnlyOnce() throws Exception {
    writesAtOnce = false;
    Login login = login(A, OPEN_ISCSI);
    CompletionStage<?> answer = uses.loggingIn(login);
    assertThat(answer.toCompletableFuture()).isNotDone();
    assertThat(Files.readString(folder.resolve("uses.json"))).doesNotContain(A);
    writes.forEach(Runnable::run);
    writes.clear();
    assertThat(answer).isCompleted();
    assertThat(Files.readString(folder.resolve("uses.json"))).contains(A);
    kill();
    writes.clear();
    long modified = Files.getLastModifiedTime(folder.resolve("uses.json")).toMillis();
    assertThat(uses.loggingIn(login(A, OPEN_ISCSI))).isCompleted();
    assertThat(Files.getLastModifiedTime(folder.resolve("uses.json")).toMillis())
        .isEqualTo(modified);
  }

  @Test
  void aLoginThatCannotBeRecordedIsRefused() throws Exception {
    Files.delete(folder.resolve("uses.json.new")); // the room that is kept
    Files.createDirectories(folder.resolve("uses.json.new/in the way"));
    assertThat(uses.loggingIn(login(A, OPEN_ISCSI))).isCompletedExceptionally();
    assertThat(uses.warnings()).singleElement().asString().contains("cannot be written");
    Files.delete(folder.resolve("uses.json.new/in the way"));
    Files.delete(folder.resolve("uses.json.new"));
    logsIn(A, OPEN_ISCSI);
    assertThat(uses.warnings()).isEmpty();
    kill();
    assertThat(users()).hasSize(1);
  }

  @Test
  void aLoginThatWasNeverAnsweredIsNoUse() {
    uses.ended(logsIn(A, OPEN_ISCSI), End.NOT_LOGGED_IN);
    assertThat(users()).isEmpty();
    uses.ended(logsIn(A, OPEN_ISCSI), End.CONNECTION_LOST);
    uses.ended(logsIn(A, OPEN_ISCSI), End.NOT_LOGGED_IN);
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
  }

  @Test
  void aProcessThatWasKilledIsNotWaitedForOnceItsSuccessorHasLoggedOut() {
    uses.ended(logsIn(A, RANDOM), End.CONNECTION_LOST);
    uses.ended(logsIn(A, OPEN_ISCSI), End.CONNECTION_LOST);
    Login second = logsIn(A, RANDOM + 1);
    Login third = logsIn(A, RANDOM + 2);
    uses.ended(second, End.LOGGED_OUT);
    assertThat(users()).containsExactly(A + ", logged in");
    uses.ended(third, End.LOGGED_OUT); // the last: the one with a Random ISID before it is gone
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
    uses.ended(logsIn(A, OPEN_ISCSI), End.LOGGED_OUT);
    assertThat(users()).isEmpty();
  }

  /** Two machines with one name: what is cut off later is no predecessor. */
  @Test
  void aSuccessorEndsOnlyWhatWasCutOffBeforeIt() {
    Login first = logsIn(A, RANDOM);
    Login second = logsIn(A, RANDOM + 1);
    uses.ended(first, End.CONNECTION_LOST);
    uses.ended(second, End.LOGGED_OUT);
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
  }

  @Test
  void whatIsMaskedIsNotUsed() throws Exception {
    luns = Map.of(A, Set.of("vm1"), B, Set.of("vm2"));
    logsIn(A, OPEN_ISCSI);
    Login other = logsIn(B, OPEN_ISCSI);
    assertThat(users()).containsExactly(A + ", logged in");
    Map<String, Set<String>> after = Map.of(A, Set.of(), B, Set.of("vm2", "vm1"));
    uses.willSee((initiator, target) -> after.getOrDefault(initiator, Set.of()));
    assertThat(users()).containsExactly(A + ", logged in", B + ", logged in");
    luns = after;
    uses.sees(this::seen);
    assertThat(users()).containsExactly(B + ", logged in");
    kill();
    assertThat(users()).containsExactly(B + ", cut off since 2026-11-29T20:00:00Z");
    uses.ended(other, End.LOGGED_OUT);
  }

  /** A session that saw nothing begins to use what a reload gives it. */
  @Test
  void whatAppearsIsUsed() throws Exception {
    luns = Map.of();
    Login login = logsIn(A, OPEN_ISCSI);
    assertThat(Files.readString(folder.resolve("uses.json"))).doesNotContain(A);
    luns = Map.of(A, Set.of("vm1"));
    uses.willSee(this::seen);
    kill();
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
    uses.ended(login, End.LOGGED_OUT);
    assertThat(users()).hasSize(1);
  }

  @Test
  void theAdministratorMaySayThatSomebodyIsGone() throws Exception {
    Login login = logsIn(A, OPEN_ISCSI);
    assertThatThrownBy(() -> uses.assumeGone(A, VM1))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("is logged in");
    uses.ended(login, End.CONNECTION_LOST);
    assertThatThrownBy(() -> uses.assumeGone(B, VM1))
        .hasMessageContaining("does not use")
        .hasMessageContaining("used by " + A);
    uses.assumeGone(A, VM1);
    assertThat(users()).isEmpty();
    kill();
    assertThat(users()).isEmpty();
  }

  /** Time in which the server is down does not count: nobody could come back. */
  @Test
  void graceTimeIsTimeInWhichTheServerWasThere() throws Exception {
    uses.grace(Duration.ofMinutes(10));
    uses.ended(logsIn(A, OPEN_ISCSI), End.CONNECTION_LOST);
    now = now.plusSeconds(599);
    assertThat(users()).hasSize(1);
    assertThat(uses.nextGraceEnd()).isEqualTo(now.plusSeconds(1));
    now = now.plusSeconds(3600);
    kill();
    uses.grace(Duration.ofMinutes(10));
    assertThat(users()).containsExactly(A + ", cut off since 2026-11-29T20:00:00Z");
    now = now.plusSeconds(600);
    assertThat(users()).isEmpty();
    assertThat(uses.nextGraceEnd()).isNull();
    uses.grace(Duration.ZERO);
    assertThat(users()).hasSize(1);
  }

  /** More than can be recorded: merges are held back, and nobody is forgotten. */
  @Test
  void aFullRecordHoldsMergesBack() throws Exception {
    uses = opened(10, Set.of());
    Map<String, Set<String>> all = new java.util.HashMap<>();
    for (int i = 0; i < 8; i++) {
      all.put("iqn.2026-11.org.example:" + i, Set.of(i < 5 ? "vm2" : "vm1"));
    }
    luns = all;
    List<Login> logins = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      logins.add(logsIn("iqn.2026-11.org.example:" + i, OPEN_ISCSI));
    }
    assertThat(users()).hasSize(4).contains("initiators that are not recorded");
    assertThatThrownBy(() -> uses.assumeGone(User.UNKNOWN, VM1))
        .hasMessageContaining("iqn.2026-11.org.example:5");
    uses.ended(logins.get(5), End.LOGGED_OUT);
    uses.ended(logins.get(6), End.CONNECTION_LOST);
    uses.ended(logins.get(7), End.CONNECTION_LOST);
    assertThat(users()).containsExactly("initiators that are not recorded");
    kill();
    assertThat(users()).containsExactly("initiators that are not recorded");
    uses.assumeGone(User.UNKNOWN, VM1);
    assertThat(users()).isEmpty();
    assertThat(uses.of(Set.of("vm2"))).hasSize(5);
    kill();
    assertThat(users()).isEmpty();
  }

  @Test
  void whatAnOlderVersionDidNotRecordIsUnknown() throws Exception {
    Files.delete(folder.resolve("uses.json"));
    uses = opened(1000, VM1);
    assertThat(users()).containsExactly("initiators that are not recorded");
    assertThat(uses.of(Set.of("vm2"))).isEmpty();
    uses.assumeGone(User.UNKNOWN, VM1);
    assertThat(users()).isEmpty();
  }

  @Test
  void aDamagedRecordIsPutAsideAndNobodyIsForgotten() throws Exception {
    logsIn(A, OPEN_ISCSI);
    for (String damage : new String[] {"", "{", "{ \"version\" : 1 }", "null", "[".repeat(9999)}) {
      Files.writeString(folder.resolve("uses.json"), damage);
      kill();
      assertThat(users()).as(damage).containsExactly("initiators that are not recorded");
      assertThat(folder.resolve("uses.json.damaged")).hasContent(damage);
    }
    Files.writeString(folder.resolve("uses.json"), "{ \"version\" : 2 }");
    assertThatThrownBy(this::kill).hasMessageContaining("newer version");
  }

  @Test
  void loginsWaitWhileAMergeBegins() {
    assertThat(uses.claim(VM1, null)).isTrue();
    Login one = login(A, OPEN_ISCSI);
    Login two = login(B, OPEN_ISCSI);
    CompletableFuture<?> first = uses.loggingIn(one).toCompletableFuture();
    CompletableFuture<?> second = uses.loggingIn(two).toCompletableFuture();
    assertThat(first).isNotDone();
    assertThat(users()).isEmpty();
    uses.ended(two, End.NOT_LOGGED_IN); // it would not wait so long
    uses.release(VM1);
    assertThat(first).isCompleted();
    assertThat(second).isCompletedExceptionally();
    assertThat(users()).containsExactly(A + ", logged in");
    assertThat(uses.claim(VM1, null)).isFalse();
    assertThat(uses.claim(VM1, B)).isFalse();
    assertThat(uses.claim(VM1, A)).isTrue();
  }

  @Test
  void whoListensHearsOfEnds() {
    List<String> heard = new ArrayList<>();
    uses.listener(
        new Uses.Listener() {
          @Override
          public void ended() {
            heard.add("ended");
          }

          @Override
          public void dropped(String initiator, Set<String> devices) {
            heard.add("dropped " + devices);
          }

          @Override
          public CompletionStage<@Nullable Void> loggingIn(String initiator, Set<String> devices) {
            heard.add("login " + devices);
            return CompletableFuture.completedFuture(null);
          }
        });
    uses.ended(logsIn(A, OPEN_ISCSI), End.DROPPED);
    uses.ended(logsIn(A, OPEN_ISCSI), End.LOGGED_OUT);
    assertThat(heard)
        .containsExactly("login [vm1]", "dropped [vm1]", "ended", "login [vm1]", "ended");
  }
}
