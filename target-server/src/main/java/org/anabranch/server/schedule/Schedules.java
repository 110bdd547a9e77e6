// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.schedule.ScheduleHistory.LastRun;
import org.anabranch.server.schedule.ScheduleHistory.Result;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.ScheduledBy;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The schedules of snapshots.
 *
 * <dl>
 *   <dt>When does one run?
 *   <dd>When it is due: see {@link Recurrence}. What was due while the server was down, or while
 *       the clock jumped, is done once, however often it was due. A new schedule begins with the
 *       next instant.
 *   <dt>What if a run fails?
 *   <dd>The log, {@code status} and the metrics report it, and it runs again when it is due next.
 *   <dt>What if the server dies in a run?
 *   <dd>The snapshots of a run, their schedule and their number are durable in one step. So the
 *       next start knows whether it is to be done; what is too many is removed by the next run.
 *   <dt>What becomes of what is due while a schedule is paused?
 *   <dd>It is not taken, neither then nor later. A pause lasts over restarts, until it is resumed.
 *   <dt>And when somebody asks for a run?
 *   <dd>It is a run like those that are due, at this instant; its snapshots count among those that
 *       are kept.
 *   <dt>Does a jump of the clock remove snapshots, or take many?
 *   <dd>No: snapshots are counted, and each look takes one at most.
 * </dl>
 *
 * Any thread. Runs of different schedules may be under way at the same time, of one schedule only
 * one.
 */
public final class Schedules implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(Schedules.class);

  private final Supplier<SortedMap<String, ScheduleConfig>> configured;
  private final Snapshots snapshots;
  private final ScheduleFile file; // written with its own lock, which comes before this one
  private final InstantSource clock;
  private final Alarm alarm;

  /** Of schedules that are configured, and of those that were; guarded by this. */
  private final SortedMap<String, ScheduleHistory> histories;

  /** Schedules that run now; guarded by this. */
  private final Set<String> running = new HashSet<>();

  /** Runs since the start, and those that were not done wholly; guarded by this. */
  private final Map<String, long[]> counts = new TreeMap<>();

  /** Why the file could not be written the last time; null: it could. */
  private volatile @Nullable String fileFailure;

  private boolean stopping; // guarded by this

  private Schedules(
      Supplier<SortedMap<String, ScheduleConfig>> configured,
      Snapshots snapshots,
      ScheduleFile file,
      SortedMap<String, ScheduleHistory> histories,
      InstantSource clock,
      Alarm alarm) {
    this.configured = configured;
    this.snapshots = snapshots;
    this.file = file;
    this.histories = histories;
    this.clock = clock;
    this.alarm = alarm;
  }

  /**
   * Opens what a server remembers of schedules. Nothing runs before {@link #look}.
   *
   * @param configured what is configured now
   * @param folder the state directory
   * @param alarm closed with this
   * @param steps is notified of each durable step of the file
   */
  public static Schedules open(
      Supplier<SortedMap<String, ScheduleConfig>> configured,
      Snapshots snapshots,
      Path folder,
      InstantSource clock,
      Alarm alarm,
      DurableSteps steps)
      throws RefusedException {
    ScheduleFile file = new ScheduleFile(folder, steps);
    return new Schedules(configured, snapshots, file, file.read(), clock, alarm);
  }

  /** Begins what is due, and sets the alarm; at the start, and when the configuration changed. */
  public void look() {
    if (lookAround()) {
      write();
    }
  }

  /** Whether there is something to remember. */
  private synchronized boolean lookAround() {
    if (stopping) {
      return false;
    }
    Instant now = clock.instant();
    Duration wait = null;
    boolean changed = histories.keySet().retainAll(kept());
    for (ScheduleConfig schedule : configured.get().values()) {
      Recurrence recurrence = Recurrence.of(schedule);
      ScheduleHistory history = histories.get(schedule.name());
      ScheduleHistory current = history(schedule.name(), recurrence, history, now);
      current = current.until(recurrence.done(done(schedule.name(), current), now));
      if (!current.equals(history)) {
        histories.put(schedule.name(), current);
        changed = true;
      }
      if (current.paused() || running.contains(schedule.name())) {
        continue; // looked at again when it is resumed, or at its end
      }
      Instant due = recurrence.due(current.done(), now);
      if (due.isAfter(now)) {
        Duration until = Duration.between(now, due);
        wait = wait == null || until.compareTo(wait) < 0 ? until : wait;
      } else {
        var _ = begin(schedule, due, current);
      }
    }
    if (wait != null) {
      alarm.set(wait, this::look);
    }
    return changed;
  }

  /** Of a schedule that is taken out of the file the number stays while it has snapshots. */
  private Set<String> kept() {
    Set<String> kept = new HashSet<>(configured.get().keySet());
    for (SnapshotState snapshot : snapshots.list(null)) {
      ScheduledBy mark = snapshot.scheduled();
      if (mark != null) {
        kept.add(mark.schedule());
      }
    }
    return kept;
  }

  private static ScheduleHistory history(
      String name, Recurrence recurrence, @Nullable ScheduleHistory history, Instant now) {
    if (history == null) {
      LOG.debug("schedule {} is new; it is due at {}", name, recurrence.next(now));
      return new ScheduleHistory(recurrence, recurrence.last(now), 0, null, false);
    }
    return history.recurrence().equals(recurrence) ? history : history.with(recurrence, now);
  }

  /** Up to when it was done; a run that ended with the server is known by its snapshots. */
  private Instant done(String name, ScheduleHistory history) {
    Instant done = history.done();
    for (SnapshotState snapshot : snapshots.list(null)) {
      ScheduledBy mark = snapshot.scheduled();
      if (mark != null
          && mark.schedule().equals(name)
          && mark.run() > history.run()
          && mark.due().isAfter(done)) {
        done = mark.due();
      }
    }
    return done;
  }

  private long lastNumber(String name, ScheduleHistory history) {
    long number = history.run();
    for (SnapshotState snapshot : snapshots.list(null)) {
      ScheduledBy mark = snapshot.scheduled();
      if (mark != null && mark.schedule().equals(name)) {
        number = Math.max(number, mark.run());
      }
    }
    return number;
  }

  /**
   * Runs a schedule now, also one that is paused, and waits for the end of the run.
   *
   * @throws RefusedException when it runs already, or not all of its snapshots could be taken
   */
  public ScheduleStatus run(String name) throws RefusedException {
    CompletableFuture<@Nullable LastRun> run;
    synchronized (this) {
      ScheduleConfig schedule = existing(name);
      if (stopping) {
        throw new RefusedException("the server is stopping");
      }
      if (running.contains(name)) {
        throw new RefusedException(
            "schedule " + name + " is taking snapshots now; wait for the end of that");
      }
      Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
      run =
          begin(
              schedule,
              now,
              history(name, Recurrence.of(schedule), histories.get(name), clock.instant()));
    }
    LastRun over = run.join();
    if (over == null || over.result() != Result.DONE) {
      throw new RefusedException(
          "schedule "
              + name
              + (over == null
                  ? ": it ended by an error of the server's own, see its log"
                  : (over.result() == Result.PARTLY
                          ? ": not all snapshots were taken: "
                          : ": no snapshot was taken: ")
                      + over.text()));
    }
    return status(name);
  }

  /**
   * Pauses a schedule, or resumes it; durable when this returns.
   *
   * @return how it is then
   */
  public ScheduleStatus pause(String name, boolean paused) throws RefusedException {
    synchronized (file) {
      ScheduleHistory before;
      synchronized (this) {
        ScheduleConfig schedule = existing(name);
        Instant now = clock.instant();
        before = history(name, Recurrence.of(schedule), histories.get(name), now);
        histories.put(name, before.paused() == paused ? before : before.paused(paused, now));
      }
      write();
      String failure = fileFailure;
      if (failure != null) {
        synchronized (this) {
          histories.computeIfPresent(
              name,
              (key, now) ->
                  new ScheduleHistory(
                      now.recurrence(), now.done(), now.run(), now.last(), before.paused()));
        }
        throw new RefusedException("schedule " + name + " stays as it was: " + failure);
      }
      if (before.paused() != paused) {
        LOG.info("schedule {}: {}", name, paused ? "paused" : "resumed");
      }
    }
    look();
    return status(name);
  }

  private ScheduleConfig existing(String name) throws RefusedException {
    ScheduleConfig schedule = configured.get().get(name);
    if (schedule == null) {
      throw RefusedException.absent("schedule", name, configured.get().keySet());
    }
    return schedule;
  }

  private ScheduleStatus status(String name) throws RefusedException {
    var _ = existing(name);
    return status().stream()
        .filter(each -> each.config().name().equals(name))
        .findAny()
        .orElseThrow(() -> new RefusedException("schedule " + name + " was taken out of the file"));
  }

  /** Done when the run is noted; null: it ended by an error of the server's own. With the lock. */
  private CompletableFuture<@Nullable LastRun> begin(
      ScheduleConfig schedule, Instant due, ScheduleHistory history) {
    CompletableFuture<@Nullable LastRun> done = new CompletableFuture<>();
    running.add(schedule.name());
    long number = lastNumber(schedule.name(), history) + 1;
    ScheduleRun run =
        new ScheduleRun(schedule, new ScheduledBy(schedule.name(), number, due), snapshots, clock);
    Thread.ofVirtual()
        .name("schedule " + schedule.name())
        .start(() -> {
          LastRun over = null;
          try {
            over = run.run();
          } finally {
            try {
              ended(schedule.name(), number, over);
            } finally {
              done.complete(over);
            }
          }
        });
    return done;
  }

  private void ended(String name, long number, @Nullable LastRun over) {
    boolean changed = over != null && note(name, number, over);
    if (changed) {
      write();
    }
    boolean more;
    synchronized (this) { // in one step: whoever waits for the end finds the next alarm set
      running.remove(name);
      more = lookAround();
      notifyAll();
    }
    if (more) {
      write();
    }
  }

  /** Whether there is something to remember; not of what a stop has cut short. */
  private synchronized boolean note(String name, long number, LastRun over) {
    ScheduleHistory history = histories.get(name);
    if (history == null || (stopping && over.result() != Result.DONE)) {
      return false;
    }
    long[] count = counts.computeIfAbsent(name, key -> new long[2]);
    count[0]++;
    count[1] += over.result() == Result.DONE ? 0 : 1;
    histories.put(name, history.after(number, over));
    return true;
  }

  /** Without the lock, so that nobody who only asks waits for the disk. */
  private void write() {
    synchronized (file) {
      SortedMap<String, ScheduleHistory> latest;
      synchronized (this) {
        latest = new TreeMap<>(histories);
      }
      try {
        file.write(latest);
        fileFailure = null;
      } catch (RefusedException e) {
        fileFailure = e.getMessage();
        LOG.error("schedules: {}", e.getMessage());
      }
    }
  }

  /** What can be seen of each schedule that is configured, by name. */
  public synchronized List<ScheduleStatus> status() {
    List<ScheduleStatus> all = new ArrayList<>();
    Instant now = clock.instant();
    for (ScheduleConfig schedule : configured.get().values()) {
      String name = schedule.name();
      ScheduleHistory history = history(name, Recurrence.of(schedule), histories.get(name), now);
      LastRun last = history.last();
      long[] count = counts.getOrDefault(name, new long[2]);
      all.add(
          new ScheduleStatus(
              schedule,
              history.paused()
                  ? Recurrence.of(schedule).next(now)
                  : Recurrence.of(schedule).due(done(name, history), now),
              history.paused(),
              running.contains(name),
              (int)
                  snapshots.list(null).stream()
                      .filter(each ->
                          each.scheduled() != null && each.scheduled().schedule().equals(name))
                      .count(),
              last == null ? null : last.due(),
              last == null ? null : last.result(),
              last == null ? "" : last.text(),
              count[0],
              count[1]));
    }
    return all;
  }

  /**
   * What a server would do with a schedule.
   *
   * @param next when it would run next, if it were not paused
   * @param paused whether it runs only when somebody asks for it
   */
  public record Preview(Instant next, boolean paused) {}

  /**
   * When each configured schedule would run next, by a state directory that no server need use now.
   *
   * @param folder the state directory, which need not exist
   */
  public static SortedMap<String, Preview> preview(
      SortedMap<String, ScheduleConfig> schedules, Path folder, Instant now) {
    SortedMap<String, ScheduleHistory> histories = ScheduleFile.look(folder);
    SortedMap<String, Preview> next = new TreeMap<>();
    schedules.forEach((name, schedule) -> {
      Recurrence recurrence = Recurrence.of(schedule);
      ScheduleHistory history = history(name, recurrence, histories.get(name), now);
      Instant due = recurrence.due(history.done(), now);
      next.put(
          name,
          history.paused()
              ? new Preview(recurrence.next(now), true)
              : new Preview(due.isAfter(now) ? due : now.truncatedTo(ChronoUnit.SECONDS), false));
    });
    return next;
  }

  /** Runs that failed. */
  @Override
  public synchronized List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    for (ScheduleStatus each : status()) {
      if (!each.isWell()) {
        warnings.add(
            new Warning(
                "schedule " + each.config().name(),
                "of what was due at "
                    + each.lastDue()
                    + (each.result() == Result.FAILED
                        ? " no snapshot was taken: "
                        : " not all snapshots were taken: ")
                    + each.text(),
                "see to that; it is tried again at " + each.next()));
      }
    }
    String failure = fileFailure;
    if (failure != null) {
      warnings.add(
          new Warning(
              "schedules",
              "what was done is not remembered: " + failure,
              "make the state directory writable, or free space there"));
    }
    return warnings;
  }

  /** Nothing begins any more. */
  public void stop() {
    synchronized (this) {
      stopping = true;
    }
    alarm.close();
  }

  /** Waits for what runs; {@link #stop} first, and whatever it waits for. */
  public synchronized void close() {
    boolean interrupted = false;
    while (!running.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
