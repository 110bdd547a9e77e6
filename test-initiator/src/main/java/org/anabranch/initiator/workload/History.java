// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What each sector of a range may contain, given what was written, read and flushed, and when.
 * Decides whether a read was correct.
 *
 * <p>Every operation has a start and an end on one logical clock. A sector is a register; a write
 * takes effect at some moment between its start and its end. So a read may return write V unless V
 * has certainly been overwritten, that is, unless there is a write W with
 *
 * <pre>
 *   V ended  <  W began,   W ended  <  the read began
 * </pre>
 *
 * Four more rules are reduced to this one:
 *
 * <ul>
 *   <li>A read that returned V proves that V was there at some moment of the read. So it counts as
 *       a W, with the read's start and end, for everything but V: no later read may return what V
 *       has replaced.
 *   <li>A write that failed, or whose response was lost, may have happened: it counts as V and
 *       never as W. It cannot happen after the next login, which aborts it; that is its end.
 *   <li>A discard is a write of zeros.
 *   <li>After a crash, every write is uncertain that was not durable: neither with FUA nor ended
 *       before the start of a successful flush. What such a write replaced may be back. So if
 *       {@code crashes} are expected, the state at the last flush is kept until the next one.
 * </ul>
 *
 * Thread-safe: each method takes this object's monitor. Sectors are counted from the start of the
 * range.
 */
final class History {
  private static final long NEVER = Long.MAX_VALUE;

  /** The largest number of entries of a sector if crashes are expected; then a flush is due. */
  private static final int MANY = 256;

  /** An operation that left a value, or a read that saw one. */
  static final class Write {
    private final long value;
    private final boolean fua;
    private final long began;
    private long ended = NEVER;

    /** It was a read. */
    private boolean observed;

    /** It may not have happened. */
    private boolean uncertain;

    private Write(long value, boolean fua, long began) {
      this.value = value;
      this.fua = fua;
      this.began = began;
    }

    /** Its number in the sectors; 0 for a discard. */
    long value() {
      return value;
    }

    @Override
    public String toString() {
      return (observed ? "read of " : "")
          + (value == 0 ? "zeros" : "write " + value)
          + (ended == NEVER ? " since " + began : " " + began + ".." + ended)
          + (uncertain ? " uncertain" : "");
    }
  }

  /** A read or a flush in flight. */
  static final class Mark {
    private final long began;

    private Mark(long began) {
      this.began = began;
    }
  }

  private final boolean crashes;
  private final @Nullable Write[][] sectors;
  private final Write blank = new Write(0, true, 0);
  private final Set<Mark> reads = new HashSet<>();
  private final Set<Write> pending = new HashSet<>();
  private long clock = 1;
  private long lastValue;
  private long flushed;
  private long crashedAt;
  private boolean flushDue;

  /**
   * A range that reads as zeros.
   *
   * @param crashes whether {@link #crashed} may be called
   */
  History(int sectorCount, boolean crashes) {
    this.crashes = crashes;
    sectors = new Write[sectorCount][];
    blank.ended = 0;
  }

  /** Starts a write of a new value. */
  synchronized Write beginWrite(int first, int count, boolean fua) {
    return begin(new Write(++lastValue, fua, ++clock), first, count);
  }

  /** Starts a write of zeros; if not {@code certain}, the target may leave any of it unchanged. */
  synchronized Write beginDiscard(int first, int count, boolean certain) {
    Write write = new Write(0, false, ++clock);
    write.uncertain = !certain;
    return begin(write, first, count);
  }

  private Write begin(Write write, int first, int count) {
    pending.add(write);
    for (int sector = first; sector < first + count; sector++) {
      add(sector, write);
    }
    return write;
  }

  /** The write succeeded. */
  synchronized void ended(Write write) {
    if (pending.remove(write)) {
      write.ended = ++clock;
    }
  }

  /** The write failed, in whole or in part. */
  synchronized void failed(Write write) {
    if (pending.remove(write)) {
      write.uncertain = true;
      write.ended = ++clock;
    }
  }

  /** Starts a read. */
  synchronized Mark beginRead() {
    Mark mark = new Mark(++clock);
    reads.add(mark);
    return mark;
  }

  /**
   * Ends a read.
   *
   * @param values the content of each sector; null if the read failed
   * @return the first sector with impossible content, or -1
   */
  synchronized int endRead(Mark mark, int first, long @Nullable [] values) {
    reads.remove(mark);
    long now = ++clock;
    if (values == null) {
      return -1;
    }
    @Nullable Write seen = null;
    for (int i = 0; i < values.length; i++) {
      if (!allows(first + i, values[i], mark.began)) {
        return first + i;
      }
      if (seen == null || seen.value != values[i]) {
        seen = new Write(values[i], false, mark.began);
        seen.ended = now;
        seen.observed = true;
      }
      Write[] known = sectors[first + i];
      // With one candidate there is nothing that the observation could rule out; and what was seen
      // before a crash need not be there after it.
      if (known != null && known.length > 1 && mark.began > crashedAt) {
        add(first + i, seen);
      }
    }
    return -1;
  }

  /** What a read could have found in a sector, in words. */
  synchronized String explain(int sector, Mark mark) {
    List<String> words = new ArrayList<>();
    for (Write write : candidates(sector)) {
      words.add(write + (isOverwritten(write, sector, mark.began) ? " (overwritten)" : ""));
    }
    return "read since " + mark.began + " to " + clock + "; known: " + String.join(", ", words);
  }

  /** Starts a flush. */
  synchronized Mark beginFlush() {
    return new Mark(++clock);
  }

  /** The flush succeeded: what had ended before its start is durable. */
  synchronized void flushed(Mark mark) {
    flushed = Math.max(flushed, mark.began);
    flushDue = false;
  }

  /** Whether some sector has had so many writes that the next operation should be a flush. */
  synchronized boolean flushDue() {
    return flushDue;
  }

  /** A new session has replaced a lost one: no earlier operation can take effect any more. */
  synchronized void reconnected() {
    for (Write write : pending) {
      write.uncertain = true;
      write.ended = clock;
    }
    pending.clear();
    clock++;
  }

  /** The target crashed and restarted, with the data of the last flush and perhaps more. */
  synchronized void crashed() {
    if (!crashes) {
      throw new IllegalStateException("this history does not keep what a crash may bring back");
    }
    reconnected();
    Set<Write> doubtful = new HashSet<>();
    for (Write[] known : sectors) {
      if (known != null) {
        for (Write write : known) {
          if (!isDurable(write)) {
            doubtful.add(write);
          }
        }
      }
    }
    for (Write write : doubtful) {
      write.uncertain = true;
    }
    crashedAt = ++clock;
  }

  private boolean isDurable(Write write) {
    return (write.fua && !write.uncertain) || write.ended < flushed;
  }

  private boolean allows(int sector, long value, long began) {
    for (Write write : candidates(sector)) {
      if (!write.observed && write.value == value && !isOverwritten(write, sector, began)) {
        return true;
      }
    }
    return false;
  }

  private boolean isOverwritten(Write write, int sector, long readBegan) {
    for (Write other : candidates(sector)) {
      if (replaces(other, write) && other.ended < readBegan) {
        return true;
      }
    }
    return false;
  }

  /** Whether {@code old} cannot be read after {@code other} has ended. */
  private static boolean replaces(Write other, Write old) {
    return old.ended < other.began
        && !other.uncertain
        && !(other.observed && !old.observed && other.value == old.value);
  }

  private Write[] candidates(int sector) {
    Write[] known = sectors[sector];
    return known == null ? new Write[] {blank} : known;
  }

  /** Adds an entry to a sector, and drops those that no read can return any more. */
  private void add(int sector, Write write) {
    Write[] known = candidates(sector);
    long oldestRead = clock;
    for (Mark read : reads) {
      oldestRead = Math.min(oldestRead, read.began);
    }
    Write[] kept = new Write[known.length + 1];
    int count = 0;
    for (Write old : known) {
      if (!isForgotten(old, known, oldestRead)) {
        kept[count++] = old;
      }
    }
    kept[count++] = write;
    sectors[sector] = Arrays.copyOf(kept, count);
    if (count >= MANY) {
      flushDue = true;
    }
  }

  private boolean isForgotten(Write old, Write[] known, long oldestRead) {
    for (Write other : known) {
      if (replaces(other, old)
          && other.ended < oldestRead
          && (!crashes || old.observed || isDurable(other))) {
        return true;
      }
    }
    return false;
  }
}
