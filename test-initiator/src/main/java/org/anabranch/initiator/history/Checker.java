// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Judges a history, event by event: whether each block of each disk behaves as a register that all
 * writers and readers share, through the death of the server, and whether each snapshot has what
 * was there at one instant.
 *
 * <dl>
 *   <dt>What may a block read as?
 *   <dd>As {@link BlockHistory} says. A read that overlaps a write of the block in time may find
 *       parts of both: the server does not order commands that overlap, and not every file system
 *       reads a page as a whole while it is written.
 *   <dt>What may a snapshot, or a copy, read as?
 *   <dd>For each block, as what may have been in its origin at some moment between the request and
 *       its answer. Each block that is read narrows that moment, for all disks that were taken
 *       together: it is after the write that is found was sent, and before one that replaced it was
 *       answered. When no moment is left, it was not one instant.
 *   <dt>What survives?
 *   <dd>The death of the process: all that was answered. A power cut: what was answered and then
 *       flushed, or written with FUA; snapshots and rollbacks, once they are answered.
 * </dl>
 *
 * One thread at a time.
 */
public final class Checker {
  /** The moment of a snapshot, between two times of the clock; disks taken together share it. */
  private static final class Instant {
    private final String what;
    private long earliest;
    private long latest;

    private Instant(String what, long earliest, long latest) {
      this.what = what;
      this.earliest = earliest;
      this.latest = latest;
    }
  }

  /** A disk; what a copy may have got, and when, as long as somebody may ask. */
  private static final class Disk {
    private final BlockHistory history;
    private @Nullable Instant instant;
    private List<List<Possible>> copied = List.of();

    private Disk(BlockHistory history) {
      this.history = history;
    }
  }

  /** What has begun and not ended. */
  private sealed interface Open {
    record Writing(BlockHistory history, BlockHistory.Write write) implements Open {}

    record Reading(String name, Disk disk, BlockHistory.Mark mark, int first, int count)
        implements Open {}

    record Flushing(BlockHistory history, BlockHistory.Mark mark) implements Open {}

    record Copying(Map<String, String> from, Map<String, Source> sources, long began)
        implements Open {}

    record Rolling(List<RolledBack> volumes) implements Open {}
  }

  private record Source(Disk disk, BlockHistory.Mark held) {}

  private record RolledBack(BlockHistory.Rollback rollback, BlockHistory snapshot) {}

  private final boolean powerCuts;
  private final AtomicLong clock = new AtomicLong(1);
  private final Map<String, Disk> disks = new HashMap<>();
  private final Map<Long, Open> open = new LinkedHashMap<>();
  private long events;

  /**
   * @param powerCuts whether the history may have some, for which more must be remembered
   */
  public Checker(boolean powerCuts) {
    this.powerCuts = powerCuts;
  }

  /** The first violation of a history. */
  public static Optional<Violation> check(List<Event> history) {
    Checker checker = new Checker(history.stream().anyMatch(Event.PowerCut.class::isInstance));
    return history.stream()
        .map(event -> Optional.ofNullable(checker.next(event)))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /**
   * The next event.
   *
   * @return what is wrong, if something is
   * @throws IllegalArgumentException if the log itself cannot be right, such as one with two disks
   *     of one name
   */
  public @Nullable Violation next(Event event) {
    events++;
    String wrong =
        switch (event) {
          case Event.Note _ -> null;
          case Event.NewDisk e -> made(e.disk(), new Disk(empty(e.blocks())));
          case Event.Grown e -> grown(e);
          case Event.Removed e -> removed(e.disk());
          case Event.Write e -> begin(e);
          case Event.Read e -> begin(e);
          case Event.Flush e -> {
            BlockHistory history = disk(e.disk()).history;
            yield opened(e.id(), new Open.Flushing(history, history.beginFlush()));
          }
          case Event.Saw e -> saw(e);
          case Event.Copy e -> begin(e);
          case Event.Rollback e -> begin(e);
          case Event.Done e -> done(e.id());
          case Event.Failed e -> failed(e.id());
          case Event.Refused e -> refused(e.id());
          case Event.Killed _ -> died(false);
          case Event.PowerCut _ -> died(true);
        };
    return wrong == null ? null : new Violation(events, wrong);
  }

  /** Whether a write, read or flush to the disk has begun and not ended. */
  boolean isBusy(String name) {
    Disk disk = disks.get(name);
    return disk != null
        && open.values().stream()
            .anyMatch(each ->
                switch (each) {
                  case Open.Writing w -> w.history.equals(disk.history);
                  case Open.Reading r -> r.disk.equals(disk);
                  case Open.Flushing f -> f.history.equals(disk.history);
                  default -> false;
                });
  }

  /** Whether some block has had so many writes that a flush is due, if power cuts are expected. */
  boolean flushDue(String name) {
    return powerCuts && disk(name).history.flushDue();
  }

  private BlockHistory empty(int blocks) {
    return new BlockHistory(blocks, powerCuts, true, clock);
  }

  private Disk disk(String name) {
    Disk disk = disks.get(name);
    if (disk == null) {
      throw new IllegalArgumentException("event " + events + ": no disk " + name);
    }
    return disk;
  }

  private @Nullable String made(String name, Disk disk) {
    if (disks.putIfAbsent(name, disk) != null) {
      throw new IllegalArgumentException("event " + events + ": two disks " + name);
    }
    return null;
  }

  private @Nullable String grown(Event.Grown e) {
    disk(e.disk()).history.extend(e.blocks());
    return null;
  }

  private @Nullable String removed(String name) {
    disks.remove(name);
    return null;
  }

  private @Nullable String opened(long id, Open operation) {
    if (open.putIfAbsent(id, operation) != null) {
      throw new IllegalArgumentException("event " + events + ": again " + OperationId.text(id));
    }
    return null;
  }

  private @Nullable String begin(Event.Write e) {
    BlockHistory history = disk(e.disk()).history;
    return opened(
        e.id(),
        new Open.Writing(history, history.beginWrite(e.id(), e.first(), e.count(), e.fua())));
  }

  private @Nullable String begin(Event.Read e) {
    Disk disk = disk(e.disk());
    return opened(
        e.id(), new Open.Reading(e.disk(), disk, disk.history.beginRead(), e.first(), e.count()));
  }

  private @Nullable String begin(Event.Copy e) {
    Map<String, Source> sources = new HashMap<>();
    for (String name : e.from().values()) {
      Disk disk = disk(name);
      sources.put(name, new Source(disk, disk.history.hold()));
    }
    return opened(e.id(), new Open.Copying(e.from(), sources, clock.incrementAndGet()));
  }

  private @Nullable String begin(Event.Rollback e) {
    List<RolledBack> volumes = new ArrayList<>();
    e.to()
        .forEach((volume, snapshot) -> {
          BlockHistory source = disk(snapshot).history;
          BlockHistory.Rollback rollback = disk(volume).history.beginRollback();
          rollback.may(contents(source));
          volumes.add(new RolledBack(rollback, source));
        });
    return opened(e.id(), new Open.Rolling(volumes));
  }

  /** What each block of a disk may contain at this moment. */
  private static List<List<Possible>> contents(BlockHistory disk) {
    BlockHistory.Mark now = disk.hold();
    List<List<Possible>> contents = disk.possible(now);
    disk.release(now);
    return contents;
  }

  private @Nullable String saw(Event.Saw e) {
    if (!(open.remove(e.id()) instanceof Open.Reading reading)) {
      return null; // it ended with the server already
    }
    if (e.values().size() != reading.count) {
      return reading.name + ": " + e.values().size() + " of " + reading.count + " blocks";
    }
    long[] values = e.values().stream().mapToLong(Long::longValue).toArray();
    BlockHistory history = reading.disk.history;
    int wrong = history.endRead(reading.mark, reading.first, values);
    if (wrong >= 0) {
      long value = values[wrong - reading.first];
      return String.format(
          "%s, block %d reads as %s%s; %s",
          reading.name,
          wrong,
          OperationId.text(value),
          value == SectorPattern.FOREIGN ? ", " + e.damage() : "",
          history.explain(wrong, reading.mark));
    }
    return instant(reading, values);
  }

  /** Narrows the instant of a copy. */
  private static @Nullable String instant(Open.Reading reading, long[] values) {
    Disk disk = reading.disk;
    Instant instant = disk.instant;
    if (instant == null) {
      return null;
    }
    for (int i = 0; i < values.length && reading.first + i < disk.copied.size(); i++) {
      for (Possible possible : disk.copied.get(reading.first + i)) {
        if (possible.value() == values[i]) {
          instant.earliest = Math.max(instant.earliest, possible.from());
          instant.latest = Math.min(instant.latest, possible.until());
        }
      }
      if (instant.earliest > instant.latest) {
        return String.format(
            "%s, block %d reads as %s: %s was not taken at one instant",
            reading.name, reading.first + i, OperationId.text(values[i]), instant.what);
      }
    }
    return null;
  }

  private @Nullable String done(long id) {
    switch (open.remove(id)) {
      case Open.Writing w -> w.history.ended(w.write);
      case Open.Flushing f -> f.history.flushed(f.mark);
      case Open.Copying c -> copied(c);
      case Open.Rolling r -> r.volumes.forEach(volume -> volume.rollback.happened());
      case Open.Reading _ -> throw new IllegalArgumentException("event " + events + ": a read");
      case null -> {} // it ended with the server
    }
    return null;
  }

  private void copied(Open.Copying copying) {
    Instant instant =
        new Instant(
            String.join(" and ", copying.from.keySet()), copying.began, clock.incrementAndGet());
    copying.from.forEach((name, from) -> {
      Source source = Objects.requireNonNull(copying.sources.get(from));
      List<List<Possible>> contents = source.disk.history.possible(source.held);
      Disk disk = new Disk(empty(contents.size()));
      disk.history.contain(contents, source.held);
      disk.instant = instant;
      disk.copied = contents;
      made(name, disk);
    });
    release(copying);
  }

  private static void release(Open.Copying copying) {
    copying.sources.values().forEach(source -> source.disk.history.release(source.held));
  }

  private @Nullable String failed(long id) {
    switch (open.remove(id)) {
      case Open.Writing w -> w.history.failed(w.write);
      case Open.Reading r -> r.disk.history.endRead(r.mark, r.first, null);
      case Open.Flushing _ -> {}
      case Open.Copying _, Open.Rolling _ ->
          throw new IllegalArgumentException("event " + events + ": did it happen or not?");
      case null -> {}
    }
    return null;
  }

  private @Nullable String refused(long id) {
    switch (open.remove(id)) {
      case Open.Copying c -> release(c);
      case Open.Rolling r -> r.volumes.forEach(volume -> volume.rollback.didNotHappen());
      case null, default -> throw new IllegalArgumentException("event " + events);
    }
    return null;
  }

  private @Nullable String died(boolean powerCut) {
    List<Long> ended = new ArrayList<>();
    open.forEach((id, operation) -> {
      if (!(operation instanceof Open.Copying || operation instanceof Open.Rolling)) {
        ended.add(id);
      }
    });
    ended.forEach(this::failed);
    for (Disk disk : disks.values()) {
      if (powerCut) {
        disk.history.crashed();
      } else {
        disk.history.reconnected();
      }
    }
    if (powerCut) {
      open.values().forEach(Checker::mayBeginAfterPowerCut);
    }
    return null;
  }

  /** A rollback without an answer may begin now: to what the power cut has left of the snapshot. */
  private static void mayBeginAfterPowerCut(Open operation) {
    if (operation instanceof Open.Rolling rolling) {
      rolling.volumes.forEach(volume -> volume.rollback.may(contents(volume.snapshot)));
    }
  }
}
