// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs around snapshots and rollbacks, as an administrator configures them. */
final class HooksTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String VOLUMES =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = vm2, 2 = "vm1@a" } } }
      """;

  /** As many as are wanted at once, on any number of processors. */
  private static final Executor THREADS = Executors.newVirtualThreadPerTaskExecutor();

  @TempDir private Path folder;
  private Site site;
  private Path journal;

  @BeforeEach
  void prepare() {
    site = new Site(folder);
    journal = folder.resolve("journal");
  }

  /** A program that notes when it runs, and then does something. */
  private Path program(String name, String body) throws IOException {
    Path program = folder.resolve(name);
    Files.writeString(
        program,
        """
        #!/bin/sh
        echo "$ANABRANCH_HOOK $ANABRANCH_VOLUME ${ANABRANCH_RESULT:--}" >> '%s'
        %s
        """
            .formatted(journal, body));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    return program;
  }

  private List<String> journal() throws IOException {
    return Files.exists(journal) ? Files.readAllLines(journal) : List.of();
  }

  private void awaitJournal(String line) throws Exception {
    Await.until(
        "the hook's line " + line,
        () -> {
          try {
            return journal().contains(line);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
  }

  /** Lets the program wait for a file. */
  private static String waitFor(Path file) {
    return "while [ ! -e '" + file + "' ]; do sleep 0.05; done";
  }

  private static String hooks(String text) {
    return VOLUMES + "hooks { " + text + " }\n";
  }

  private static String around(Path before, Path after) {
    return "before-create = \"%s\", after-create = \"%s\"".formatted(before, after);
  }

  private static String runAs(String user) {
    return "hooks { before-create = [id, \"-un\"], user = %s }\n".formatted(user);
  }

  private boolean hasSnapshot(String name) throws RefusedException {
    return site.ask("snapshot list", Map.of()).toString().contains("name=" + name);
  }

  private Map<String, Object> create(String... names) throws RefusedException {
    return site.ask("snapshot create", Map.of("names", List.of(names)));
  }

  @Test
  void argumentsAndEnvironmentAreWhatIsStated() throws Exception {
    Path facts = folder.resolve("facts");
    Path before =
        program("before", "{ for a; do echo \"[$a]\"; done; env; pwd; } > '" + facts + "'");
    Path after = program("after", "");
    String text =
        "before-create = [\"%s\", \"two words\", \"$HOME;*\"], after-create = \"%s\", environment { SOME = thing }"
            .formatted(before, after);
    try (ServerProcess server = site.serve(hooks(text))) {
      assertThat(create("vm1@a")).doesNotContainKey("hook-failures");
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal()).containsExactly("before-create vm1 -", "after-create vm1 done");
    assertThat(
            Files.readAllLines(facts).stream()
                .filter(line -> !line.matches("(_|ANABRANCH_RUN)=.*")))
        .containsExactlyInAnyOrder(
            "[two words]",
            "[$HOME;*]",
            "SOME=thing",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PWD=/",
            "ANABRANCH_HOOK=before-create",
            "ANABRANCH_OPERATION=create",
            "ANABRANCH_VOLUME=vm1",
            "ANABRANCH_VOLUMES=vm1",
            "ANABRANCH_SNAPSHOT=vm1@a",
            "ANABRANCH_SOCKET=" + site.socket().toAbsolutePath(),
            "/");
    assertThat(Files.readString(folder.resolve("state/hooks.json"))).contains("\"begun\":[]");
  }

  /** The hook of one volume fails: nothing is taken of either, and both are thawed. */
  @Test
  void aFailureRefusesTheGroupAndThawsAllOfIt() throws Exception {
    Path before = program("before", "[ $ANABRANCH_VOLUME = vm1 ] || { echo 'no agent'; exit 3; }");
    Path after = program("after", "");
    try (ServerProcess server = site.serve(hooks(around(before, after)))) {
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("vm1@a", "vm2@a"))))
          .isEqualTo(
              "hook before-create of vm2 failed with exit status 3: no agent; nothing was changed");
      assertThat(hasSnapshot("vm1@a")).isFalse();
      // What is refused anyway is refused before anything runs.
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("nothing@a"))))
          .contains("there is no volume nothing");
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal())
        .containsExactlyInAnyOrder(
            "before-create vm1 -",
            "before-create vm2 -",
            "after-create vm1 not-done",
            "after-create vm2 not-done");
  }

  @Test
  void whereItIsToGoOnTheCallerHasTheReasonAndAFailedThawIsAWarning() throws Exception {
    Path fails = program("fails", "echo broken; exit 1");
    String text = around(fails, fails) + ", on-failure = go-on";
    try (ServerProcess server = site.serve(hooks(text))) {
      assertThat(create("vm1@a").get("hook-failures"))
          .isEqualTo(
              List.of(
                  "hook before-create of vm1 failed with exit status 1: broken",
                  "hook after-create of vm1 failed with exit status 1: broken"));
      assertThat(hasSnapshot("vm1@a")).isTrue();
      assertThat(site.anabranch(0, "snapshot", "create", "vm1@b"))
          .contains("snapshot vm1@b taken")
          .contains("anabranch: hook after-create of vm1 failed with exit status 1: broken");
      assertThat(String.valueOf(site.ask("status", Map.of()).get("warnings")))
          .contains("volume vm1: hook after-create of vm1 failed");
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void theTimeLimitEndsAllThatWasStarted() throws Exception {
    Path pid = folder.resolve("pid");
    Path before = program("before", "sleep 600 & echo $! > '" + pid + "'; sleep 600");
    Path after = program("after", "");
    String text = around(before, after) + ", time-limit = 1 s";
    try (ServerProcess server = site.serve(hooks(text) + "http.listen = \"127.0.0.1:0\"")) {
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("vm1@a"))))
          .contains("hook before-create of vm1 did not end within 1.0 s, and was ended");
      long child = Long.parseLong(Files.readString(pid).strip());
      Await.until(
          "the end of what the hook has started",
          () -> !ProcessHandle.of(child).map(ProcessHandle::isAlive).orElse(false));
      assertThat(String.valueOf(site.ask("status", Map.of()).get("hooks")))
          .containsPattern(
              "hook=before-create, volume=vm1, runs=1, failures=1, timeouts=1, last-millis=\\d{4,}")
          .contains("hook=after-create, volume=vm1, runs=1, failures=0, timeouts=0");
      assertThat(site.anabranch(0, "status"))
          .containsPattern("HOOK +VOLUME +RUNS +FAILED +TIMED OUT +LAST")
          .containsPattern("before-create +vm1 +1 +1 +1 +\\d+ ms");
      String before1 = "{hook=\"before-create\",volume=\"vm1\"}";
      String after1 = "{hook=\"after-create\",volume=\"vm1\"}";
      assertThat(Site.metrics(server))
          .contains("anabranch_hook_runs_total" + before1 + " 1.0")
          .contains("anabranch_hook_failures_total" + before1 + " 1.0")
          .contains("anabranch_hook_timeouts_total" + before1 + " 1.0")
          .contains("anabranch_hook_runs_total" + after1 + " 1.0")
          .contains("anabranch_hook_failures_total" + after1 + " 0.0")
          .contains("anabranch_hook_timeouts_total" + after1 + " 0.0")
          .containsPattern("hook_last_duration_seconds\\Q" + before1 + "\\E [1-9]");
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal()).containsExactly("before-create vm1 -", "after-create vm1 not-done");
  }

  /** While a hook runs: I/O, logins, status, and what concerns other volumes. */
  @Test
  void nothingElseWaitsForAHookAndTheNextOperationOnTheVolumeDoes() throws Exception {
    Path go = folder.resolve("go");
    Path before = program("before", "[ $ANABRANCH_VOLUME = vm2 ] && exit 0\n" + waitFor(go));
    Path after = program("after", "");
    String text = around(before, after) + ", time-limit = 60 s";
    List<String> words = new CopyOnWriteArrayList<>();
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(hooks(text))) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      CompletableFuture<Boolean> first =
          CompletableFuture.supplyAsync(() -> created("vm1@a", words), THREADS);
      awaitJournal("before-create vm1 -");
      Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, 7)), 30);
      assertThat(Initiator.await(disk.read(0, 8), 30).getInt(0)).isEqualTo(7);
      assertThat(Site.Host.logIn(initiator, server, TARGET).lives()).isTrue();
      create("vm2@a");
      CompletableFuture<Boolean> second =
          CompletableFuture.supplyAsync(() -> created("vm1@b", words), THREADS);
      Await.until(
          "words of the one that waits",
          () -> words.contains("waiting for the hooks of another operation on vm1"));
      assertThat(words).contains("hook before-create of vm1");
      assertThat(first).isNotDone();
      assertThat(second).isNotDone();
      Files.createFile(go);
      assertThat(first.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(second.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(journal().stream().filter(line -> line.contains(" vm1 ")))
          .containsExactly(
              "before-create vm1 -",
              "after-create vm1 done",
              "before-create vm1 -",
              "after-create vm1 done");
      assertThat(server.terminate()).isZero();
    }
  }

  private boolean created(String name, List<String> words) {
    try {
      site.client()
          .ask(
              "snapshot create",
              Map.of("names", List.of(name)),
              progress -> words.add(String.valueOf(progress.get("hook"))));
      return true;
    } catch (RefusedException e) {
      words.add(String.valueOf(e.getMessage()));
      return false;
    }
  }

  @Test
  void aStopEndsWhatRunsBeforeAndRunsWhatComesAfter() throws Exception {
    Path before = program("before", "sleep 600");
    Path after = program("after", "");
    String text = around(before, after) + ", time-limit = 500 s";
    List<String> words = new CopyOnWriteArrayList<>();
    try (ServerProcess server = site.serve(hooks(text))) {
      CompletableFuture<Boolean> refused =
          CompletableFuture.supplyAsync(() -> created("vm1@a", words), THREADS);
      awaitJournal("before-create vm1 -");
      assertThat(server.terminate()).isZero();
      assertThat(refused.get(30, TimeUnit.SECONDS)).isFalse();
    }
    assertThat(words.toString()).contains("the server is stopping");
    assertThat(journal()).containsExactly("before-create vm1 -", "after-create vm1 not-done");
  }

  /** The server dies between before and after: the next one runs what comes after. */
  @Test
  void theNextStartThawsWhatADeadServerFroze() throws Exception {
    Path go = folder.resolve("go");
    Path before = program("before", waitFor(go));
    Path after = program("after", "");
    String text = around(before, after) + ", time-limit = 500 s";
    String configuration = hooks(text);
    try (ServerProcess server = site.serve(configuration)) {
      CompletableFuture<Boolean> lost =
          CompletableFuture.supplyAsync(
              () -> created("vm1@a", new CopyOnWriteArrayList<>()), THREADS);
      awaitJournal("before-create vm1 -");
      server.process().destroyForcibly().onExit().join();
      assertThat(lost.get(30, TimeUnit.SECONDS)).isFalse();
    }
    Files.createFile(go);
    try (ServerProcess server = site.serve(configuration)) {
      awaitJournal("after-create vm1 interrupted");
      create("vm1@b"); // it has waited for that
      assertThat(hasSnapshot("vm1@a")).isFalse();
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal())
        .containsExactly(
            "before-create vm1 -",
            "after-create vm1 interrupted",
            "before-create vm1 -",
            "after-create vm1 done");
    try (ServerProcess server = site.serve(configuration)) {
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal()).hasSize(4);
  }

  /** It would freeze what has been thawed, and nobody would thaw that. */
  @Test
  void aProgramOfADeadServerIsEndedBeforeTheThaw() throws Exception {
    Path go = folder.resolve("go");
    Path pids = folder.resolve("pids");
    Path before =
        program(
            "before",
            "sleep 600 &\necho $$ $! > '"
                + pids
                + "'\n"
                + waitFor(go)
                + "; echo late >> '"
                + journal
                + "'");
    Path after = program("after", "");
    String configuration = hooks(around(before, after) + ", time-limit = 500 s");
    try (ServerProcess server = site.serve(configuration)) {
      CompletableFuture<Boolean> lost =
          CompletableFuture.supplyAsync(
              () -> created("vm1@a", new CopyOnWriteArrayList<>()), THREADS);
      Await.until("the pids", () -> Files.exists(pids) && Files.size(pids) > 2);
      server.process().destroyForcibly().onExit().join();
      assertThat(lost.get(30, TimeUnit.SECONDS)).isFalse();
    }
    List<ProcessHandle> left = new ArrayList<>();
    for (String pid : Files.readString(pids).strip().split(" ", -1)) {
      ProcessHandle.of(Long.parseLong(pid)).ifPresent(left::add);
    }
    assertThat(left).as("survives the server").hasSize(2).allMatch(ProcessHandle::isAlive);
    try (ServerProcess server = site.serve(configuration)) {
      awaitJournal("after-create vm1 interrupted");
      assertThat(left).noneMatch(ProcessHandle::isAlive);
      Files.createFile(go);
      create("vm1@b");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).contains("a hook of the server that died, still runs");
    } finally {
      left.forEach(ProcessHandle::destroyForcibly);
    }
    assertThat(journal()).startsWith("before-create vm1 -", "after-create vm1 interrupted");
    assertThat(journal().stream().filter(line -> line.equals("late")))
        .as("of the second")
        .hasSize(1);
  }

  @Test
  void aMergeBeginsBehindItsHookOrNotAtAll() throws Exception {
    Path fail = folder.resolve("fail");
    Path before = program("before", "[ ! -e '" + fail + "' ] || { echo no; exit 9; }");
    Path after = program("after", "");
    String text = "before-merge = \"%s\", after-merge = \"%s\"".formatted(before, after);
    try (ServerProcess server = site.serve(hooks(text))) {
      create("vm1@a");
      Files.createFile(fail);
      assertThat(site.refusal("snapshot merge", Map.of("name", "vm1@a", "now", true)))
          .isEqualTo("hook before-merge of vm1 failed with exit status 9: no; nothing was changed");
      assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=ready");
      Files.delete(fail);
      assertThat(site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true)))
          .containsEntry("phase", "merged");
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal())
        .containsExactly(
            "before-merge vm1 -",
            "after-merge vm1 not-done",
            "before-merge vm1 -",
            "after-merge vm1 done");
  }

  /** Nobody asks when a merge begins that has waited: the hook runs when the last one logs out. */
  @Test
  void aMergeThatWaitsHasItsHooksWhenItBegins() throws Exception {
    Path before = program("before", "");
    Path after = program("after", "");
    String text = "before-merge = \"%s\", after-merge = \"%s\"".formatted(before, after);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(hooks(text))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      create("vm1@a");
      assertThat(site.ask("snapshot merge", Map.of("name", "vm1@a")))
          .containsEntry("phase", "waiting");
      assertThat(journal()).isEmpty();
      Initiator.await(host.session().logout(), 30);
      awaitJournal("after-merge vm1 done");
      assertThat(server.terminate()).isZero();
    }
    assertThat(journal()).containsExactly("before-merge vm1 -", "after-merge vm1 done");
  }

  /** The login is answered behind the hook and the beginning of the merge. */
  @Test
  void aMergeAtALoginHasItsHooksBeforeTheLoginIsAnswered() throws Exception {
    Path before = program("before", "");
    Path after = program("after", "");
    String text = "before-merge = \"%s\", after-merge = \"%s\"".formatted(before, after);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(hooks(text))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Initiator.await(host.disk(0).write(0, ByteBuffer.allocate(4096).putInt(0, 1)), 30);
      create("vm1@a");
      Initiator.await(host.disk(0).write(0, ByteBuffer.allocate(4096).putInt(0, 2)), 30);
      site.ask("snapshot merge", Map.of("name", "vm1@a", "on-next-login", true));
      assertThat(journal()).isEmpty();
      host.stays();
      Site.Host again = Site.Host.logIn(initiator, server, TARGET);
      assertThat(journal()).contains("before-merge vm1 -");
      assertThat(Initiator.await(again.disk(0).read(0, 8), 30).getInt(0)).isEqualTo(1);
      awaitJournal("after-merge vm1 done");
      assertThat(server.terminate()).isZero();
    }
  }

  /** As root, a program runs as the stated user; otherwise {@code check} refuses that. */
  @Test
  void aStatedUser() throws Exception {
    boolean root = Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    if (root) {
      try (ServerProcess server = site.serve(VOLUMES + runAs("nobody"))) {
        create("vm1@a");
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).contains("hook before-create of vm1: nobody");
      }
    }
    site.configure(VOLUMES + runAs(root ? "no-such-user" : "root"));
    try (ServerProcess check = new ServerProcess(folder, "check", site.configuration.toString())) {
      check.output();
      assertThat(check.await()).isEqualTo(2);
      assertThat(check.errors())
          .contains("anabranch.hooks.user: ")
          .contains(root ? "there is no user no-such-user" : "user root cannot run hooks");
    }
  }

  @Test
  void aReloadChangesThemAndRefusesAUserThatCannotBe() throws Exception {
    Path before = program("before", "");
    try (ServerProcess server = site.serve(VOLUMES)) {
      create("vm1@a");
      site.configure(
          VOLUMES.replace("vm1.img,", "vm1.img, hooks { before-create = \"" + before + "\" },"));
      assertThat(site.ask("reload", Map.of()).toString()).contains("hooks changed");
      create("vm2@b");
      assertThat(journal()).isEmpty();
      create("vm1@b");
      assertThat(journal()).containsExactly("before-create vm1 -");
      site.configure(hooks("before-create = \"" + before + "\", user = no-such-user"));
      assertThatThrownBy(() -> site.ask("reload", Map.of()))
          .hasMessageContaining("there is no user no-such-user");
      assertThat(server.terminate()).isZero();
    }
  }
}
