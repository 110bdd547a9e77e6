// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.schedule.ScheduleHistory.Result;
import org.anabranch.server.snapshots.VolumeUnderTest;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Schedules under a clock and an alarm of the test's own. */
final class SchedulesTest {
  private static final Instant START = Instant.parse("2026-11-30T02:17:30Z");
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path folder;
  private Instant now = START;
  private SortedMap<String, ScheduleConfig> configured = new TreeMap<>();

  /** Rings when the test says so. */
  private static final class TestAlarm implements Alarm {
    private @Nullable Duration in;
    private @Nullable Runnable task;

    @Override
    public synchronized void set(Duration wait, Runnable next) {
      in = wait;
      task = next;
    }

    @Override
    public void close() {}

    synchronized Duration in() {
      return Objects.requireNonNull(in);
    }

    void ring() {
      Runnable due;
      synchronized (this) {
        due = Objects.requireNonNull(task);
      }
      due.run();
    }
  }

  private TestAlarm alarm = new TestAlarm();

  private void configure(Duration every, int keep, String... volumes) {
    configured = new TreeMap<>();
    configured.put(
        "hourly",
        new ScheduleConfig("hourly", List.of(volumes), every, Duration.ZERO, keep, 16, 0, false));
  }

  private Schedules open(VolumeUnderTest volume) throws Exception {
    alarm = new TestAlarm();
    Schedules schedules =
        Schedules.open(
            () -> configured, volume.snapshots, folder, () -> now, alarm, DurableSteps.UNWATCHED);
    schedules.look();
    schedules.close(); // waits for what runs
    return schedules;
  }

  /** The clock shows this, and the alarm rings. */
  private void at(Schedules schedules, Instant time) {
    now = time;
    alarm.ring();
    schedules.close();
  }

  private static List<String> names(VolumeUnderTest volume) {
    return volume.snapshots.list(null).stream().map(SnapshotState::name).toList();
  }

  private static ScheduleStatus only(Schedules schedules) {
    return schedules.status().getFirst();
  }

  @Test
  void itIsDueAtMultiplesInUtcAndHasOneAlarm() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      assertThat(names(volume)).isEmpty();
      assertThat(alarm.in()).isEqualTo(Duration.ofSeconds(42 * 60 + 30));
      assertThat(only(schedules).next()).isEqualTo("2026-11-30T03:00:00Z");
      at(schedules, Instant.parse("2026-11-30T03:00:00.020Z"));
      assertThat(names(volume)).containsExactly("hourly-20261130T0300Z");
      assertThat(alarm.in()).isEqualTo(Duration.ofHours(1).minusMillis(20));
      assertThat(only(schedules))
          .extracting(ScheduleStatus::result, ScheduleStatus::runs, ScheduleStatus::snapshots)
          .containsExactly(Result.DONE, 1L, 1);
      assertThat(volume.snapshots.list(null).getFirst().scheduled()).isNotNull();
      // An alarm that rings too early does nothing.
      at(schedules, Instant.parse("2026-11-30T03:59:59.999Z"));
      assertThat(names(volume)).hasSize(1);
    }
  }

  /** Also over a restart; what was due meanwhile is taken neither then nor later. */
  @Test
  void aPausedScheduleTakesNothingUntilItIsResumed() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      assertThat(schedules.pause("hourly", true).paused()).isTrue();
      at(schedules, Instant.parse("2026-11-30T03:00:01Z"));
      assertThat(names(volume)).isEmpty();
      now = Instant.parse("2026-11-30T05:10:00Z");
      schedules = open(volume);
      assertThat(names(volume)).isEmpty();
      assertThat(only(schedules).paused()).isTrue();
      assertThat(Schedules.preview(configured, folder, now))
          .containsEntry(
              "hourly", new Schedules.Preview(Instant.parse("2026-11-30T06:00:00Z"), true));
      // Somebody may change when it is due, and take what was forgotten, all the same.
      configure(HOUR.multipliedBy(2), 24, "vm1");
      schedules.look();
      assertThat(only(schedules).paused()).isTrue();
      assertThat(schedules.run("hourly").snapshots()).isEqualTo(1);
      assertThat(names(volume)).containsExactly("hourly-20261130T0510Z");
      assertThat(schedules.pause("hourly", false).next()).isEqualTo("2026-11-30T06:00:00Z");
      schedules.close();
      assertThat(names(volume)).hasSize(1);
      at(schedules, Instant.parse("2026-11-30T06:00:00.020Z"));
      assertThat(names(volume)).containsExactly("hourly-20261130T0510Z", "hourly-20261130T0600Z");
    }
  }

  /** It is a run as any other: named by its time, counted, and old ones go. */
  @Test
  void aRunThatIsAskedForIsARunAsOthersAre() throws Exception {
    configure(HOUR, 2, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      for (int i = 0; i < 3; i++) {
        schedules.run("hourly");
      }
      assertThat(names(volume))
          .containsExactly("hourly-20261130T0217Z-2", "hourly-20261130T0217Z-3");
      at(schedules, Instant.parse("2026-11-30T03:00:00.020Z"));
      assertThat(names(volume)).containsExactly("hourly-20261130T0217Z-3", "hourly-20261130T0300Z");
      assertThat(only(schedules).runs()).isEqualTo(4);
      assertThatThrownBy(() -> schedules.run("nightly"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("hourly");
      assertThatThrownBy(() -> schedules.pause("nightly", true))
          .isInstanceOf(RefusedException.class);
    }
  }

  /**
   * The reason is what the command prints; nothing is harmed, and the next run is due as before.
   */
  @Test
  void aRunThatIsAskedForAndFailsSaysWhy() throws Exception {
    configure(HOUR, 2, "vm1", "vm9");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      assertThatThrownBy(() -> schedules.run("hourly"))
          .hasMessageContaining("not all snapshots were taken")
          .hasMessageContaining("vm9");
      assertThat(names(volume)).hasSize(1);
      assertThat(only(schedules).next()).isEqualTo("2026-11-30T03:00:00Z");
    }
  }

  /** A pause that would not survive a restart is refused. */
  @Test
  void aPauseThatCannotBeWrittenDownIsRefused() throws Exception {
    configure(HOUR, 2, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      Files.deleteIfExists(folder.resolve("schedules.json.new"));
      Path inTheWay = Files.createDirectory(folder.resolve("schedules.json.new"));
      Path inside = Files.createFile(inTheWay.resolve("x"));
      assertThatThrownBy(() -> schedules.pause("hourly", true))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("stays as it was");
      assertThat(only(schedules).paused()).isFalse();
      Files.delete(inside);
      Files.delete(inTheWay);
      assertThat(schedules.pause("hourly", true).paused()).isTrue();
      assertThat(schedules.warnings()).isEmpty();
    }
  }

  @Test
  void whatWasMissedIsTakenOnce() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      at(open(volume), Instant.parse("2026-11-30T03:00:00Z"));
    }
    now = Instant.parse("2026-11-30T10:31:00Z");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      open(volume);
      assertThat(names(volume)).containsExactly("hourly-20261130T0300Z", "hourly-20261130T1000Z");
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      open(volume);
      assertThat(names(volume)).hasSize(2);
      assertThat(alarm.in()).isEqualTo(Duration.ofMinutes(29));
    }
  }

  @Test
  void theNewestStayAndWhatIsNotItsOwn() throws Exception {
    configure(HOUR, 2, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("hourly-20261130T0100Z"); // somebody's, whatever its name
      Schedules schedules = open(volume);
      Instant hour = Instant.parse("2026-11-30T03:00:00Z");
      at(schedules, hour);
      volume.snapshots.rename("vm1@hourly-20261130T0300Z", "golden", false);
      for (int i = 1; i <= 4; i++) {
        at(schedules, hour.plus(HOUR.multipliedBy(i)));
      }
      assertThat(names(volume))
          .containsExactly(
              "golden", "hourly-20261130T0100Z", "hourly-20261130T0600Z", "hourly-20261130T0700Z");
      assertThat(only(schedules).snapshots()).isEqualTo(2);
    }
  }

  /** One that is read stays until it is not; one that the volume is to be rolled back to, too. */
  @Test
  void whatIsInUseStays() throws Exception {
    configure(HOUR, 1, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      Instant hour = Instant.parse("2026-11-30T03:00:00Z");
      at(schedules, hour);
      try (Readers.Reading _ = volume.snapshots.read("vm1@hourly-20261130T0300Z")) {
        at(schedules, hour.plus(HOUR));
        assertThat(names(volume)).hasSize(2);
        // A merge of what is read waits for that.
        volume.merge("vm1@hourly-20261130T0300Z", MergeRequest.Begin.NOW);
        assertThat(volume.snapshots.list(null).getFirst().phase())
            .isEqualTo(SnapshotState.Phase.QUEUED);
        at(schedules, hour.plus(HOUR.multipliedBy(2)));
        assertThat(names(volume)).containsExactly("hourly-20261130T0300Z", "hourly-20261130T0500Z");
        volume.snapshots.cancelMerge(List.of("vm1@hourly-20261130T0300Z"));
      }
      at(schedules, hour.plus(HOUR.multipliedBy(3)));
      assertThat(names(volume)).containsExactly("hourly-20261130T0600Z");
    }
  }

  @Test
  void aClockThatJumpsHarmsNothing() throws Exception {
    configure(HOUR, 3, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      at(schedules, Instant.parse("2026-11-30T03:00:00Z"));
      at(schedules, Instant.parse("2026-11-30T04:00:00Z"));
      // A year ahead: one snapshot, and nothing goes that would not go else.
      at(schedules, Instant.parse("2027-11-30T04:30:00Z"));
      assertThat(names(volume))
          .containsExactly(
              "hourly-20261130T0300Z", "hourly-20261130T0400Z", "hourly-20271130T0400Z");
      // And back: nothing at once, and the next hour as ever.
      at(schedules, Instant.parse("2026-11-30T04:31:00Z"));
      assertThat(names(volume)).hasSize(3);
      assertThat(alarm.in()).isEqualTo(Duration.ofMinutes(29));
      at(schedules, Instant.parse("2026-11-30T05:00:00Z"));
      assertThat(names(volume))
          .containsExactly(
              "hourly-20261130T0400Z", "hourly-20261130T0500Z", "hourly-20271130T0400Z");
      // A step back over the hour does not repeat it.
      at(schedules, Instant.parse("2026-11-30T04:59:59Z"));
      assertThat(alarm.in()).isEqualTo(Duration.ofSeconds(3601));
      // A day back, where snapshots of these names have been: other names.
      at(schedules, Instant.parse("2026-11-30T03:10:00Z"));
      at(schedules, Instant.parse("2026-11-30T04:00:00Z"));
      assertThat(names(volume))
          .containsExactly(
              "hourly-20261130T0400Z-2", "hourly-20261130T0500Z", "hourly-20271130T0400Z");
    }
  }

  /**
   * Random steps of the clock, forward, backward and far away, with restarts and pauses between:
   * each look takes one snapshot at most, keeps as many as it should, and sets an alarm that rings
   * within the hour. The names differ, and the newest ones stay.
   */
  @Test
  void noHistoryOfClocksTakesManyOrLosesOne() throws Exception {
    configure(HOUR, 3, "vm1");
    Random random = new Random(17);
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      for (int step = 0; step < 120; step++) {
        List<String> before = byRun(volume);
        now =
            switch (random.nextInt(6)) {
              case 0 -> now.minusSeconds(random.nextInt(7200));
              case 1 -> now.plus(Duration.ofDays(random.nextInt(4000) - 2000));
              case 2 -> now.minus(Duration.ofHours(random.nextInt(48)));
              default -> now.plusSeconds(random.nextInt(7200));
            };
        String what = "step " + step + ", " + now;
        if (random.nextInt(5) == 0) {
          schedules = open(volume);
        } else {
          at(schedules, now);
        }
        List<String> after = byRun(volume);
        List<String> taken = new ArrayList<>(after);
        taken.removeAll(before);
        assertThat(taken).as(what).hasSizeLessThanOrEqualTo(1);
        List<String> expected = new ArrayList<>(before);
        expected.addAll(taken);
        assertThat(after)
            .as(what)
            .isEqualTo(expected.subList(Math.max(0, expected.size() - 3), expected.size()));
        // After a step back of less than an hour it may wait for that, and for the next hour.
        assertThat(alarm.in()).as(what).isBetween(Duration.ofNanos(1), HOUR.multipliedBy(2));
        assertThat(schedules.warnings()).as(what).isEmpty();
      }
      assertThat(byRun(volume)).hasSize(3);
      // A clock that is right again takes one each hour.
      Instant hour = Instant.parse("2030-01-01T00:00:00Z");
      at(schedules, hour.minusSeconds(1));
      for (int i = 0; i < 4; i++) {
        at(schedules, hour.plus(HOUR.multipliedBy(i)));
      }
      assertThat(byRun(volume))
          .containsExactly(
              "hourly-20300101T0100Z", "hourly-20300101T0200Z", "hourly-20300101T0300Z");
    }
  }

  private static List<String> byRun(VolumeUnderTest volume) {
    return volume.snapshots.list(null).stream()
        .sorted(Comparator.comparingLong(each -> Objects.requireNonNull(each.scheduled()).run()))
        .map(SnapshotState::name)
        .toList();
  }

  @Test
  void aFailedRunIsReportedAndTriedAgainWhenItIsDueNext() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      volume.storage.mapper().suspend("vm1", SuspendMode.FLUSH).toCompletableFuture().join();
      at(schedules, Instant.parse("2026-11-30T03:00:00Z"));
      assertThat(names(volume)).isEmpty();
      assertThat(only(schedules).result()).isEqualTo(Result.FAILED);
      assertThat(schedules.warnings())
          .singleElement()
          .extracting(Warning::subject, Warning::text, Warning::remedy)
          .satisfies(parts ->
              assertThat(parts.toString())
                  .contains("schedule hourly")
                  .contains("no snapshot was taken: volume vm1 is suspended")
                  .contains("tried again at 2026-11-30T04:00:00Z"));
      volume.storage.mapper().resume("vm1").toCompletableFuture().join();
      at(schedules, Instant.parse("2026-11-30T03:30:00Z"));
      assertThat(names(volume)).isEmpty();
      at(schedules, Instant.parse("2026-11-30T04:00:00Z"));
      assertThat(names(volume)).containsExactly("hourly-20261130T0400Z");
      assertThat(schedules.warnings()).isEmpty();
      assertThat(only(schedules).failures()).isEqualTo(1);
    }
  }

  /** A volume that cannot have a snapshot takes it from no other. */
  @Test
  void theOthersHaveTheirs() throws Exception {
    configure(HOUR, 24, "vm9", "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      at(schedules, Instant.parse("2026-11-30T03:00:00Z"));
      assertThat(names(volume)).containsExactly("hourly-20261130T0300Z");
      assertThat(only(schedules).result()).isEqualTo(Result.PARTLY);
      assertThat(only(schedules).text()).contains("there is no volume vm9");
    }
  }

  @Test
  void aChangedScheduleTakesEffectAndATakenAwayOneLeavesItsSnapshots() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      at(schedules, Instant.parse("2026-11-30T03:00:00Z"));
      now = Instant.parse("2026-11-30T03:20:00Z");
      configure(Duration.ofMinutes(15), 24, "vm1");
      schedules.look();
      schedules.close();
      assertThat(names(volume)).hasSize(1); // 03:15 was not due when it was
      assertThat(alarm.in()).isEqualTo(Duration.ofMinutes(10));
      configured = new TreeMap<>();
      at(schedules, Instant.parse("2026-11-30T03:30:00Z"));
      assertThat(names(volume)).hasSize(1);
      assertThat(schedules.status()).isEmpty();
    }
  }

  @Test
  void aDamagedFileIsPutAside() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      at(open(volume), Instant.parse("2026-11-30T03:00:00Z"));
      Files.writeString(folder.resolve("schedules.json"), "{ no }");
      now = Instant.parse("2026-11-30T03:30:00Z");
      open(volume);
      assertThat(names(volume)).containsExactly("hourly-20261130T0300Z");
      assertThat(folder.resolve("schedules.json.damaged")).exists();
    }
  }

  /** The file cannot be written: the run counts in this server, and a warning says so. */
  @Test
  void whatCannotBeRememberedIsAWarning() throws Exception {
    configure(HOUR, 24, "vm1");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Schedules schedules = open(volume);
      obstruct(folder.resolve("schedules.json.new"));
      at(schedules, Instant.parse("2026-11-30T03:00:00Z"));
      assertThat(schedules.warnings().toString()).contains("what was done is not remembered");
      at(schedules, Instant.parse("2026-11-30T03:30:00Z"));
      assertThat(names(volume)).hasSize(1);
      // A server that starts now knows it by the snapshot itself.
      Files.delete(folder.resolve("schedules.json.new/in the way"));
      Files.delete(folder.resolve("schedules.json.new"));
      open(volume);
      assertThat(names(volume)).hasSize(1);
    }
  }

  private static void obstruct(Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.createDirectory(file);
    Files.createFile(file.resolve("in the way"));
  }
}
