// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory with a volatile write cache, as a drive with its write cache on or a file in the
 * page cache is one. What happens to a write when the power goes?
 *
 * <pre>
 *   write in flight                              any of its sectors may be there or not
 *   write completed                              the same; reads see it already
 *   completed, then a flush submitted, completed there, or what a later write put in its place
 *   FUA write completed                          there, or what a later write put in its place
 * </pre>
 *
 * Each sector of 512 bytes is written whole or not at all, whatever becomes of its neighbours, and
 * of several writes to one sector any may have been the last to reach the medium: {@link
 * #afterPowerCut} asks {@link Choices} about each.
 *
 * <p>Requests in flight overlap honestly. A request takes effect at one or two moments between its
 * submission and its completion, in a seeded order, sometimes inside {@link #submit}. Its buffer is
 * read or filled only then.
 */
public final class SimDisk implements BlockDevice {
  private static final int SECTOR = 512;
  private static final byte[] ZEROS = new byte[SECTOR];

  /** What a request put into one sector; null is a hole, which reads as zeros. */
  private static final class Version {
    final byte @Nullable [] data;
    final Request by;

    Version(byte @Nullable [] data, Request by) {
      this.data = data;
      this.by = by;
    }
  }

  /** One sector: what is on the medium, and what the cache holds on top of it, oldest first. */
  private static final class Cell {
    byte @Nullable [] medium;
    final List<Version> cached = new ArrayList<>(2);

    byte @Nullable [] current() {
      return cached.isEmpty() ? medium : cached.getLast().data;
    }
  }

  private static final class Request {
    final long number;
    final Io io;
    final long first;
    final long count;

    /** Sectors that have taken effect. */
    long applied;

    /** Place in the order of completions, from 1 on. */
    long completed = Long.MAX_VALUE;

    /** What had completed when it was submitted: so much a flush makes durable. */
    final long cutoff;

    /** A flush failed after this: no later flush makes it durable. */
    boolean lost;

    Request(long number, Io io, long cutoff) {
      this.number = number;
      this.cutoff = cutoff;
      this.io = io;
      this.first = io.sector();
      this.count = io.sectors();
    }

    boolean overlaps(Request other) {
      return first < other.first + other.count && other.first < first + count;
    }

    @Override
    public String toString() {
      return "#" + number + " " + io.op() + (io.fua() ? " FUA " : " ") + first + "+" + count;
    }
  }

  private final String name;
  private final Limits limits;
  private final SimScheduler scheduler;
  private final Map<Long, Cell> cells = new HashMap<>();
  private final Set<Cell> dirty = new LinkedHashSet<>();
  private final Set<Request> inFlight = new LinkedHashSet<>();
  private long sectors;
  private long mostSectors;
  private long submitted;
  private long completions;
  private int fuaUntilAlarm;
  private @Nullable Runnable fuaAlarm;
  private boolean ignoresFlush;
  private boolean forbidsOverlap;

  public SimDisk(String name, long sectors, Limits limits, SimScheduler scheduler) {
    this.name = name;
    this.sectors = sectors;
    this.limits = limits;
    this.scheduler = scheduler;
    scheduler.describe(() -> inFlight.isEmpty() ? "" : name + " works on " + inFlight);
  }

  /**
   * From here on two requests in flight of which one changes what the other reads or writes are a
   * failure. For workloads that send no such requests themselves: then whoever does is wrong.
   */
  public SimDisk forbidOverlap() {
    forbidsOverlap = true;
    return this;
  }

  /** From here on this disk lies: a flush or FUA does nothing. To see whether anybody notices. */
  public SimDisk ignoreFlush() {
    ignoresFlush = true;
    return this;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sectors() {
    return sectors;
  }

  @Override
  public Limits limits() {
    return limits;
  }

  /** Lets somebody extend the disk up to so many sectors. */
  public void extendableTo(long most) {
    mostSectors = most;
  }

  /** Becomes longer than so many sectors if it may; whether it is. */
  boolean extendBeyond(long beyond) {
    if (sectors <= beyond) {
      grow(Math.min(mostSectors, beyond + 1 + scheduler.random().nextInt(64)));
    }
    return sectors > beyond;
  }

  /** Makes the disk longer; what is new reads as zeros. */
  public void grow(long newSectors) {
    sectors = Math.max(sectors, newSectors);
  }

  @Override
  public void submit(Io io) {
    IoError refused = refusal(io);
    if (refused != null) {
      scheduler.execute(() -> io.complete(refused));
      return;
    }
    Request request = new Request(++submitted, io, completions);
    scheduler.trace(() -> name + " < " + request);
    checkOverlap(request);
    inFlight.add(request);
    if (io.fua() && fuaAlarm != null && --fuaUntilAlarm == 0) {
      fuaAlarm.run();
    }
    int way = scheduler.random().nextInt(16);
    if (way == 0) {
      finish(request);
      return;
    }
    long latency = latency();
    if (way < 6) {
      long part = scheduler.random().nextLong(request.count + 1);
      scheduler.schedule(() -> apply(request, part), latency);
      latency += latency();
    }
    scheduler.schedule(() -> finish(request), latency);
  }

  private @Nullable IoError refusal(Io io) {
    if (io.end() > sectors) {
      return IoError.outOfRange(io, sectors);
    }
    if (limits.readOnly() && io.modifies()) {
      return IoError.of(IoError.Kind.READ_ONLY, name + " is read-only");
    }
    if (io.op() == Io.Op.DISCARD && !limits.discards()) {
      return IoError.of(IoError.Kind.NOT_SUPPORTED, name + " does not discard");
    }
    return null;
  }

  private void checkOverlap(Request request) {
    if (forbidsOverlap) {
      for (Request other : inFlight) {
        if (request.overlaps(other) && (request.io.modifies() || other.io.modifies())) {
          scheduler.fail(new AssertionError(name + ": " + request + " overlaps " + other));
        }
      }
    }
  }

  /** Mostly 5 to 100 microseconds, sometimes up to 5 milliseconds. */
  private long latency() {
    return scheduler
        .random()
        .nextLong(5_000, scheduler.random().nextInt(32) == 0 ? 5_000_000 : 100_000);
  }

  private void finish(Request request) {
    apply(request, request.count);
    inFlight.remove(request);
    request.completed = ++completions;
    if (!ignoresFlush) {
      if (request.io.op() == Io.Op.FLUSH) {
        dirty.removeIf(cell -> settle(cell, v -> v.by.completed <= request.cutoff && !v.by.lost));
      } else if (request.io.fua()) {
        for (long s = request.first; s < request.first + request.count; s++) {
          Cell cell = cell(s);
          if (settle(cell, v -> v.by == request)) {
            dirty.remove(cell);
          }
        }
      }
    }
    scheduler.trace(() -> name + " > " + request);
    request.io.complete(null);
  }

  private interface Durable {
    boolean test(Version version);
  }

  /**
   * Puts the newest version that must be durable on the medium; true if the cache is empty then.
   */
  private static boolean settle(Cell cell, Durable durable) {
    for (int i = cell.cached.size() - 1; i >= 0; i--) {
      if (durable.test(cell.cached.get(i))) {
        cell.medium = cell.cached.get(i).data;
        cell.cached.subList(0, i + 1).clear();
        break;
      }
    }
    return cell.cached.isEmpty();
  }

  private Cell cell(long sector) {
    return cells.computeIfAbsent(sector, s -> new Cell());
  }

  /** Lets the sectors up to the {@code upTo}th take effect that have not yet. */
  private void apply(Request request, long upTo) {
    for (; request.applied < upTo; request.applied++) {
      long sector = request.first + request.applied;
      switch (request.io.op()) {
        case READ -> {
          byte[] data = current(sector);
          ByteBuffer to = request.io.data();
          to.put(to.position() + (int) request.applied * SECTOR, data == null ? ZEROS : data);
        }
        case WRITE, DISCARD, WRITE_ZEROES -> {
          Cell cell = cell(sector);
          cell.cached.add(written(request, request.applied));
          dirty.add(cell);
        }
        case BLOCK_STATUS -> answer(request);
        case FLUSH -> {}
      }
    }
  }

  private byte @Nullable [] current(long sector) {
    Cell cell = cells.get(sector);
    return cell == null ? null : cell.current();
  }

  private static Version written(Request request, long index) {
    return switch (request.io.op()) {
      case WRITE -> {
        byte[] data = new byte[SECTOR];
        ByteBuffer from = request.io.data();
        from.get(from.position() + (int) index * SECTOR, data);
        yield new Version(data, request);
      }
      case WRITE_ZEROES -> new Version(ZEROS, request);
      default -> new Version(null, request);
    };
  }

  private void answer(Request request) {
    boolean allocated = current(request.first) != null;
    long run = 1;
    while (run < request.count && (current(request.first + run) != null) == allocated) {
      run++;
    }
    request.io.answer(allocated, run);
  }

  /**
   * A flush has failed: what it should have made durable reads on as before, yet no later flush
   * writes it either, as after a failed fsync on Linux. What an earlier flush is still at work on
   * is not lost.
   */
  public void loseUnflushed() {
    long promised =
        inFlight.stream()
            .filter(request -> request.io.op() == Io.Op.FLUSH)
            .mapToLong(request -> request.cutoff)
            .max()
            .orElse(0);
    for (Cell cell : dirty) {
      for (Version version : cell.cached) {
        if (version.by.completed != Long.MAX_VALUE && version.by.completed > promised) {
          version.by.lost = true;
        }
      }
    }
  }

  /**
   * The disk as it is found when the power comes back, for the next scheduler. Leaves this one as
   * it is, so that all ends of one run can be looked at.
   */
  public SimDisk afterPowerCut(SimScheduler next, Choices choices) {
    SimDisk after = new SimDisk(name, sectors, limits, next);
    after.ignoresFlush = ignoresFlush;
    after.mostSectors = mostSectors;
    after.forbidsOverlap = forbidsOverlap;
    Map<Request, Fate> fates = new HashMap<>();
    Map<Long, List<Version>> late = unapplied();
    for (long sector = 0; sector < sectors; sector++) {
      Cell cell = cells.get(sector);
      List<Version> candidates = new ArrayList<>();
      for (Version version : cell == null ? List.<Version>of() : cell.cached) {
        askFor(version, fates, choices, candidates);
      }
      for (Version version : late.getOrDefault(sector, List.of())) {
        askFor(version, fates, choices, candidates);
      }
      byte[] found = cell == null ? null : cell.medium;
      if (!candidates.isEmpty()) {
        found = candidates.get(choices.next(candidates.size())).data;
      }
      if (found != null) {
        after.cell(sector).medium = found;
      }
    }
    return after;
  }

  /**
   * The disk as the next process finds it, for its scheduler: the power stays on, and with it the
   * cache. What the process had not handed over yet is lost; of requests in flight what has taken
   * effect is there, and the next flush makes it durable as well.
   */
  SimDisk afterProcessDeath(SimScheduler next) {
    SimDisk after = new SimDisk(name, sectors, limits, next);
    after.ignoresFlush = ignoresFlush;
    after.mostSectors = mostSectors;
    after.forbidsOverlap = forbidsOverlap;
    after.completions = completions + 1;
    after.submitted = submitted;
    for (Request request : inFlight) {
      request.completed = after.completions;
    }
    cells.forEach((sector, cell) -> {
      Cell copy = after.cell(sector);
      copy.medium = cell.medium;
      copy.cached.addAll(cell.cached);
      if (!copy.cached.isEmpty()) {
        after.dirty.add(copy);
      }
    });
    return after;
  }

  private Map<Long, List<Version>> unapplied() {
    Map<Long, List<Version>> late = new HashMap<>();
    for (Request request : inFlight) {
      if (request.io.modifies()) {
        for (long i = request.applied; i < request.count; i++) {
          late.computeIfAbsent(request.first + i, s -> new ArrayList<>()).add(written(request, i));
        }
      }
    }
    return late;
  }

  /** What became of a write: none of it is there, a part, or all. */
  private enum Fate {
    LOST,
    TORN,
    KEPT
  }

  private static final Fate[] FATES = Fate.values();

  private static void askFor(
      Version version, Map<Request, Fate> fates, Choices choices, List<Version> kept) {
    Request by = version.by;
    Fate fate = fates.get(by);
    if (fate == null) {
      int parts = by.count == 1 ? 1 : 2;
      fate = FATES[choices.next(parts + 1) * 2 / parts];
      fates.put(by, fate);
    }
    if (fate == Fate.KEPT || (fate == Fate.TORN && choices.flip())) {
      kept.add(version);
    }
  }

  /** Runs {@code then} when the {@code nth} FUA write from now on has been taken. */
  public void onFua(int nth, Runnable then) {
    fuaUntilAlarm = nth;
    fuaAlarm = then;
  }

  /** Requests taken and not completed. */
  public int inFlight() {
    return inFlight.size();
  }

  /** Requests taken since the disk exists. */
  public long submitted() {
    return submitted;
  }

  /** What the disk reads as now, without an Io. */
  public byte[] peek(long sector, int count) {
    byte[] bytes = new byte[count * SECTOR];
    for (int i = 0; i < count; i++) {
      byte[] data = current(sector + i);
      if (data != null) {
        System.arraycopy(data, 0, bytes, i * SECTOR, SECTOR);
      }
    }
    return bytes;
  }

  /** Puts bytes on the medium, without an Io. */
  public void poke(long sector, byte[] bytes) {
    for (int i = 0; i < bytes.length / SECTOR; i++) {
      byte[] data = new byte[SECTOR];
      System.arraycopy(bytes, i * SECTOR, data, 0, SECTOR);
      Cell cell = cell(sector + i);
      cell.cached.clear();
      dirty.remove(cell);
      cell.medium = data;
    }
  }

  /** Gives the disk back: whoever still has a request in flight has forgotten it. */
  public void close() {
    if (!inFlight.isEmpty()) {
      throw new AssertionError(name + " is closed while it works on " + inFlight);
    }
  }
}
