// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;
import org.anabranch.block.Io;
import org.jspecify.annotations.Nullable;

/**
 * What one device must read as: a {@link SectorHistory} for each sector, and the requests under
 * way. {@link #begin} is told of each request before it is submitted, and {@link #end} of its end.
 */
public final class ModelDevice {
  /** The time of all devices of a run: a counter. */
  public static final class Clock {
    private long now;

    public long tick() {
      return ++now;
    }
  }

  /** A request under way. */
  public static final class Request {
    final Io.Op op;
    final long sector;
    final long begin;
    final List<SectorHistory.Entry> entries;

    private Request(Io io, long begin) {
      this.op = io.op();
      this.sector = io.sector();
      this.begin = begin;
      this.entries = new ArrayList<>(io.modifies() ? (int) io.sectors() : 0);
    }
  }

  private final Clock clock;
  private final SectorHistory[] sectors;

  /** Sectors that a flush may change something for. */
  private final BitSet unflushed = new BitSet();

  /** How many reads under way began at a time. */
  private final TreeMap<Long, Integer> reads = new TreeMap<>();

  /** A device of zeros. */
  public ModelDevice(Clock clock, int count) {
    this.clock = clock;
    this.sectors = new SectorHistory[count];
    for (int i = 0; i < count; i++) {
      sectors[i] = new SectorHistory(0);
    }
  }

  private ModelDevice(Clock clock, SectorHistory[] sectors) {
    this.clock = clock;
    this.sectors = sectors;
    unflushed.set(0, sectors.length);
  }

  int sectors() {
    return sectors.length;
  }

  /** A snapshot of the first sectors: the same content, another future. No write is in flight. */
  ModelDevice fork(int count) {
    return new ModelDevice(
        clock,
        Arrays.stream(sectors).limit(count).map(SectorHistory::fork).toArray(SectorHistory[]::new));
  }

  /**
   * This device, and behind it the sectors of {@code whole} that it lacks. Nothing is in flight.
   */
  ModelDevice inFrontOf(ModelDevice whole) {
    SectorHistory[] both = whole.sectors.clone();
    System.arraycopy(sectors, 0, both, 0, sectors.length);
    return new ModelDevice(clock, both);
  }

  /** The same device, of which only the first sectors are left. Nothing is in flight. */
  ModelDevice first(int count) {
    return new ModelDevice(clock, Arrays.copyOf(sectors, count));
  }

  /** The same device, to try another future of it. Nothing may be in flight. */
  ModelDevice copy() {
    return new ModelDevice(
        clock, Arrays.stream(sectors).map(SectorHistory::copy).toArray(SectorHistory[]::new));
  }

  /** This snapshot takes its origin's place. */
  void adopt() {
    for (SectorHistory sector : sectors) {
      sector.adopt();
    }
  }

  /**
   * A request is about to be submitted.
   *
   * @param stamp number of a write's content; 0 for zeros
   */
  public Request begin(Io io, long stamp) {
    long now = clock.tick();
    Request request = new Request(io, now);
    if (io.modifies()) {
      unflushed.set((int) io.sector(), (int) io.end());
      for (long s = 0; s < io.sectors(); s++) {
        long value = stamp == 0 ? 0 : Stamp.of(stamp, s);
        SectorHistory.Entry entry = sectors[(int) (io.sector() + s)].begin(value, now);
        entry.loose = io.op() == Io.Op.DISCARD; // its end says whether it had to make zeros
        request.entries.add(entry);
      }
    } else if (looks(io.op())) {
      reads.merge(now, 1, Integer::sum);
    }
    return request;
  }

  /** A request begun before will do nothing: it was refused, or goes elsewhere. */
  public void retract(Request request) {
    for (int i = 0; i < request.entries.size(); i++) {
      sectors[(int) request.sector + i].retract(request.entries.get(i));
    }
    if (looks(request.op)) {
      looked(request);
    }
  }

  /** Whether a request tells its sender what sectors hold. */
  private static boolean looks(Io.Op op) {
    return op == Io.Op.READ || op == Io.Op.BLOCK_STATUS;
  }

  private void looked(Request request) {
    reads.merge(request.begin, -1, (a, b) -> a + b == 0 ? null : a + b);
  }

  /**
   * A request has ended.
   *
   * @return what is wrong with that, or null
   */
  public @Nullable String end(Request request, Io io, boolean good) {
    long now = clock.tick();
    if (io.modifies()) {
      long oldestRead = reads.isEmpty() ? Long.MAX_VALUE : reads.firstKey();
      for (int i = 0; i < request.entries.size(); i++) {
        request.entries.get(i).loose = io.op() == Io.Op.DISCARD && !good;
        sectors[(int) request.sector + i].end(
            request.entries.get(i), good, io.fua(), now, oldestRead);
      }
    } else if (looks(io.op())) {
      looked(request);
      if (good && io.op() == Io.Op.READ) {
        return check(request, io, now);
      } else if (good && !io.allocated()) {
        return checkZeros(request, io.statusSectors(), now);
      }
    }
    return null;
  }

  /** What no storage backs reads as zeros. */
  private @Nullable String checkZeros(Request request, long count, long now) {
    for (long s = request.sector; s < request.sector + count; s++) {
      if (!sectors[(int) s].read(0, request.begin, now)) {
        return "sector " + s + " is said to be a hole, but its history is " + sectors[(int) s];
      }
    }
    return null;
  }

  private @Nullable String check(Request request, Io io, long now) {
    for (int i = 0; i < io.sectors(); i++) {
      long value = Stamp.read(io.data(), i);
      SectorHistory history = sectors[(int) request.sector + i];
      if (!history.read(value, request.begin, now)) {
        return "sector "
            + (request.sector + i)
            + " reads as "
            + Stamp.text(value)
            + " in a read of ["
            + request.begin
            + ","
            + now
            + "], but its history is "
            + history;
      }
    }
    return null;
  }

  /** A flush that began at {@code begin} has succeeded: see {@link SectorHistory#flushed}. */
  void flushed(long begin, boolean foreign) {
    for (int s = unflushed.nextSetBit(0); s >= 0; s = unflushed.nextSetBit(s + 1)) {
      if (sectors[s].flushed(begin, foreign)) {
        unflushed.clear(s);
      }
    }
  }

  /** A flush has failed: see {@link SectorHistory#lose}. */
  void lose(boolean foreign) {
    for (SectorHistory sector : sectors) {
      sector.lose(foreign);
    }
  }

  /** The process died, whatever was under way: that may have been done, or not. */
  void processDeath() {
    long now = clock.tick();
    reads.clear();
    for (SectorHistory sector : sectors) {
      sector.processDeath(now);
    }
  }

  /** The power was cut, whatever was under way. */
  void powerCut() {
    long now = clock.tick();
    reads.clear();
    for (SectorHistory sector : sectors) {
      sector.powerCut(now);
    }
  }
}
