// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.anabranch.block.testing.Await;
import org.anabranch.iscsi.session.SessionEvents.End;
import org.anabranch.iscsi.session.SessionEvents.Login;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Histories of logins, lost connections, reinstatements, logouts, drops, masks, stops, crashes and
 * merges of one volume, from seeds. {@link UseModel} says who uses the volume at each moment: no
 * merge begins by itself while somebody does, and none goes on waiting when nobody does.
 *
 * <p>{@code -Danabranch.useHistories=N} runs more, {@code -Danabranch.useSeed=N} begins at another
 * seed.
 */
final class UseHistoryTest {
  private static final long SEED = Long.getLong("anabranch.useSeed", 1);
  private static final int HISTORIES = Integer.getInteger("anabranch.useHistories", 25);
  private static final int STEPS = 40;
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String A = "iqn.1993-08.org.debian:01:a";
  private static final String B = "iqn.1993-08.org.debian:01:b";
  private static final String QEMU = "iqn.2008-11.org.linux-kvm:q";
  private static final String SNAPSHOT = "vm1@s";

  @TempDir Path folder;

  /** What stands between the events and the product: nothing, unless it is to be sabotaged. */
  private UnaryOperator<End> reported = end -> end;

  private boolean forgetsAtRestart;
  private int begun;
  private int begunAtLogin;

  /** One history. */
  private final class History implements AutoCloseable {
    private final Path home;
    private final Random random;
    private final UseModel model = new UseModel();
    private final List<String> steps = new ArrayList<>();
    private final Set<String> masked = new TreeSet<>();
    private VolumeUnderTest volume;
    private long nextIsid;

    /** Guarded by this, as what follows: the merges thread looks at it when a merge begins. */
    private boolean now;

    private boolean waiting;
    private String awaited = "";
    private CompletableFuture<?> login = CompletableFuture.completedFuture(null);
    private String loggingIn = "";
    private String wrong = "";
    private boolean began;

    History(long seed) throws Exception {
      home = Files.createDirectory(folder.resolve("seed" + seed));
      random = new Random(seed);
      volume = started();
    }

    private VolumeUnderTest started() throws Exception {
      VolumeUnderTest opened =
          new VolumeUnderTest(
              home,
              "",
              under -> {
                under.whenRolledBack = this::rolledBack;
                under.uses.sees((initiator, target) ->
                    masked.contains(initiator) ? Set.of("vm2") : Set.of("vm1"));
              });
      return opened;
    }

    /** A merge has begun. Whoever has been let in by now reads something else from here on. */
    private synchronized void rolledBack() {
      began = true;
      Set<String> users = model.users();
      boolean answered = login.isDone();
      boolean atLogin = !awaited.isEmpty() && loggingIn.equals(awaited) && !answered;
      if (now) {
        return;
      }
      begun++;
      if (atLogin) {
        begunAtLogin++;
        users.remove(awaited);
      }
      if (!users.isEmpty()) {
        wrong = "a merge began while the volume was used by " + users;
      } else if (answered && !loggingIn.isEmpty()) {
        wrong = "a merge began after a login had been answered";
      }
    }

    void run() throws Exception {
      for (int i = 0; i < STEPS; i++) {
        step();
        volume.snapshots.settle();
        check();
      }
    }

    private synchronized void check() {
      assertThat(wrong).as("%s", steps).isEmpty();
      if (began) {
        began = false;
        waiting = false;
        awaited = "";
      }
      assertThat(waiting && model.users().isEmpty()).as("waits for nobody: %s", steps).isFalse();
      now = false;
    }

    private void step() throws Exception {
      List<Login> sessions = model.sessions();
      Login some = sessions.isEmpty() ? null : sessions.get(random.nextInt(sessions.size()));
      int dice = random.nextInt(100);
      if (dice < 25 || (some == null && dice < 70)) {
        logIn();
      } else if (dice < 38) {
        end(some, End.LOGGED_OUT);
      } else if (dice < 47) {
        end(some, End.CONNECTION_LOST);
      } else if (dice < 50) {
        end(some, End.LOST_UNUSED);
      } else if (dice < 56) {
        end(some, End.DROPPED);
        if (some != null && random.nextInt(4) > 0) {
          logIn(some.initiator(), some.isid()); // by itself, as initiators do
        }
      } else if (dice < 60 && some != null) {
        end(some, End.LOGGED_OUT);
        logIn(); // before anybody has looked at what that means
      } else if (dice < 86) {
        merge();
      } else if (dice < 90) {
        mask();
      } else if (dice < 93) {
        assumeGone();
      } else {
        restart(random.nextBoolean());
      }
    }

    private void logIn() throws Exception {
      String initiator = List.of(A, B, QEMU).get(random.nextInt(3));
      long isid =
          initiator.equals(QEMU)
              ? 0x800000000000L + ++nextIsid
              : 0x00023d000000L + random.nextInt(2);
      logIn(initiator, isid);
    }

    private void logIn(String initiator, long isid) throws Exception {
      Login old =
          model.sessions(initiator).stream()
              .filter(each -> each.isid() == isid)
              .findAny()
              .orElse(null);
      if (old != null) {
        end(old, End.CONNECTION_LOST); // reinstated
      }
      Login mine =
          new Login(
              initiator,
              isid,
              TARGET,
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 1),
              old != null);
      steps.add("login " + initiator + " " + isid);
      CompletableFuture<?> answer;
      synchronized (this) {
        loggingIn = initiator;
        login = new CompletableFuture<>();
      }
      answer = volume.uses.loggingIn(mine).toCompletableFuture();
      var _ =
          answer.whenComplete((done, failure) -> {
            synchronized (this) {
              login.complete(null);
            }
          });
      answer.get(30, TimeUnit.SECONDS);
      synchronized (this) {
        boolean sees = !masked.contains(initiator);
        boolean mayBegin = sees && awaited.equals(initiator) && !began;
        if (mayBegin && waiting) {
          Set<String> others = model.users();
          others.remove(initiator);
          assertThat(others).as("did not begin at the login: %s", steps).isNotEmpty();
          awaited = ""; // somebody else uses the volume: it waits as others do
        }
        model.loggedIn(mine, sees);
        loggingIn = "";
      }
    }

    private synchronized void end(@Nullable Login session, End end) {
      if (session == null) {
        return;
      }
      steps.add(end + " " + session.initiator() + " " + session.isid());
      boolean sees = model.users().contains(session.initiator());
      if (end == End.LOGGED_OUT) {
        model.loggedOut(session);
      } else if (end == End.LOST_UNUSED) {
        model.cutOffUnused(session);
      } else {
        model.cutOff(session);
      }
      if (end == End.DROPPED && sees && session.initiator().equals(awaited)) {
        awaited = "";
      }
      volume.uses.ended(session, reported.apply(end));
    }

    private void merge() throws Exception {
      Await.until(
          "the merge is over",
          () ->
              !Set.of(Phase.MERGING, Phase.REMOVING)
                  .contains(Objects.requireNonNullElse(phase(), Phase.READY)));
      if (phase() == null) {
        volume.snapshot("s");
        volume.write(0, 8192, random.nextInt());
      }
      int dice = random.nextInt(12);
      Begin begin = dice < 6 ? Begin.WHEN_UNUSED : dice < 11 ? Begin.ON_NEXT_LOGIN : Begin.NOW;
      steps.add("merge " + begin);
      if (dice == 0 && waiting) {
        volume.snapshots.cancelMerge(List.of(SNAPSHOT));
        synchronized (this) {
          waiting = false;
          awaited = "";
        }
        return;
      }
      synchronized (this) {
        now = begin == Begin.NOW;
        waiting = true;
      }
      try {
        volume.merge(SNAPSHOT, begin);
        synchronized (this) {
          Set<String> users = model.users();
          awaited =
              begin == Begin.ON_NEXT_LOGIN && users.size() == 1 ? "" + users.toArray()[0] : "";
        }
      } catch (RefusedException e) {
        assertThat(begin).as("%s: %s", e.getMessage(), steps).isEqualTo(Begin.ON_NEXT_LOGIN);
        assertThat(model.users()).as("%s: %s", e.getMessage(), steps).hasSizeGreaterThan(1);
        synchronized (this) {
          waiting = phase() == Phase.WAITING;
        }
      }
    }

    private @Nullable Phase phase() {
      return volume.snapshots.list("vm1").stream().map(SnapshotState::phase).findAny().orElse(null);
    }

    private void mask() {
      String initiator = random.nextBoolean() ? A : B;
      boolean hide = masked.add(initiator);
      if (!hide) {
        masked.remove(initiator);
      }
      steps.add((hide ? "mask " : "show ") + initiator);
      synchronized (this) {
        // A reload judges everybody who is logged in, also one that was hidden before it came back.
        List.of(A, B, QEMU).forEach(each -> model.sees(each, !masked.contains(each)));
      }
      volume.uses.sees((name, target) -> masked.contains(name) ? Set.of("vm2") : Set.of("vm1"));
    }

    private void assumeGone() throws Exception {
      String initiator = List.of(A, B, QEMU).get(random.nextInt(3));
      if (!waiting) {
        return;
      }
      steps.add("assume gone " + initiator);
      boolean expected = model.sessions(initiator).isEmpty() && model.users().contains(initiator);
      synchronized (this) {
        if (expected) {
          model.assumedGone(initiator);
        }
      }
      try {
        volume.snapshots.merge(
            new MergeRequest(
                List.of(SNAPSHOT),
                Begin.WHEN_UNUSED,
                Duration.ofMinutes(1),
                initiator,
                null,
                false));
        assertThat(expected).as("%s", steps).isTrue();
        synchronized (this) {
          awaited = "";
        }
      } catch (RefusedException e) {
        assertThat(expected).as("%s: %s", e.getMessage(), steps).isFalse();
      }
    }

    private void restart(boolean crash) throws Exception {
      steps.add(crash ? "crash" : "stop");
      synchronized (this) {
        awaited = "";
      }
      VolumeUnderTest old = volume;
      old.snapshots.close();
      List<Login> sessions = model.sessions();
      synchronized (this) {
        model.allCutOff();
      }
      old.uses.onNextLogin("nothing", false); // waits until what has ended is on disk as well
      byte[] record = Files.readAllBytes(home.resolve("uses.json"));
      if (!crash) {
        sessions.forEach(each -> old.uses.ended(each, reported.apply(End.DROPPED)));
      }
      old.close();
      if (crash) {
        Files.write(home.resolve("uses.json"), record);
      }
      if (forgetsAtRestart) {
        Files.delete(home.resolve("uses.json"));
      }
      volume = started();
    }

    @Override
    public void close() throws IOException {
      volume.close();
    }
  }

  private void histories(int count) throws Exception {
    for (long seed = SEED; seed < SEED + count; seed++) {
      try (History history = new History(seed)) {
        history.run();
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      } catch (IOException e) {
        throw new UncheckedIOException("seed " + seed, e);
      }
    }
  }

  @Test
  void noMergeBeginsWhileAnInitiatorThatHasNotLoggedOutUsesTheVolume() throws Exception {
    histories(HISTORIES);
    assertThat(begun).as("merges that began by themselves").isGreaterThan(HISTORIES / 2);
    assertThat(begunAtLogin).as("of these, at a login").isPositive();
  }

  /** What the product did once: each of these is found. */
  @Test
  void aLossThatIsTakenForALogoutIsFound() {
    reported = end -> end == End.CONNECTION_LOST ? End.LOGGED_OUT : end;
    assertThatThrownBy(() -> histories(HISTORIES)).hasMessageContaining("a merge began while");
  }

  @Test
  void aLogoutAtAStopThatIsTakenForAnInitiatorsOwnIsFound() {
    reported = end -> end == End.DROPPED ? End.LOGGED_OUT : end;
    assertThatThrownBy(() -> histories(HISTORIES)).hasMessageContaining("a merge began while");
  }

  @Test
  void aLossBeforeAnyUseThatIsTakenForALogoutIsFound() {
    reported = end -> end == End.LOST_UNUSED ? End.LOGGED_OUT : end;
    assertThatThrownBy(() -> histories(4 * HISTORIES)).hasMessageContaining("a merge began while");
  }

  @Test
  void aLossBeforeAnyUseThatLeavesAUseIsFound() {
    reported = end -> end == End.LOST_UNUSED ? End.CONNECTION_LOST : end;
    assertThatThrownBy(() -> histories(HISTORIES)).hasMessageContaining("waits for nobody");
  }

  @Test
  void aRestartThatForgetsIsFound() {
    forgetsAtRestart = true;
    assertThatThrownBy(() -> histories(HISTORIES)).hasMessageContaining("a merge began while");
  }

  @Test
  void aDropThatIsTakenForARebootIsFound() {
    reported = end -> end == End.DROPPED ? End.CONNECTION_LOST : end;
    assertThatThrownBy(() -> histories(HISTORIES)).hasMessageContaining("a merge began while");
  }
}
