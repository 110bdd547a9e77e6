// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.List;

/**
 * What one sector may read as: the writes to it, when each began and ended, and which are durable.
 *
 * <pre>
 *   a read may see      any write that began before the read ended, unless another was done between
 *                       that one's end and the read's begin
 *   a write is done     when it has succeeded, or when somebody has read it
 *   a power cut leaves  any write, unless another that began after that one's end is durable
 * </pre>
 *
 * Times are the model's own: a counter that rises with every event. A write that failed may have
 * been done in part, so it may be seen, but replaces nothing unless it was. What a failed flush was
 * to make durable stays as it is, and no later flush makes it durable.
 */
final class SectorHistory {
  private static final long NEVER = Long.MAX_VALUE;

  /** One write to one sector. */
  static final class Entry {
    final long value;
    final long begin;
    long end = NEVER;

    /** From when on it is known to have replaced what ended before its begin. */
    long done = NEVER;

    boolean durable;

    /** A flush that should have made it durable has failed: no later one does. */
    boolean lost;

    /**
     * One of the states that a power cut may have left: as soon as one is seen, the others fall.
     */
    boolean left;

    /**
     * A discard that need not make zeros: who has read zeros may read what was there before once
     * more, such as from a copy that was under way.
     */
    boolean loose;

    /** Not written here, but to the device that this history was forked from. */
    boolean foreign;

    Entry(long value, long begin) {
      this.value = value;
      this.begin = begin;
    }

    private Entry copy() {
      Entry copy = new Entry(value, begin);
      copy.end = end;
      copy.done = done;
      copy.durable = durable;
      copy.lost = lost;
      copy.loose = loose;
      copy.left = left;
      copy.foreign = foreign;
      return copy;
    }

    @Override
    public String toString() {
      return Stamp.text(value)
          + " ["
          + begin
          + ","
          + (end == NEVER ? "" : end)
          + (done == NEVER ? "?" : "")
          + "]"
          + (durable ? " durable" : "")
          + (lost ? " lost" : "")
          + (left ? " left" : "");
    }
  }

  private List<Entry> entries = new ArrayList<>(2);

  /** A sector that holds {@code value}, durably, since the beginning of time. */
  SectorHistory(long value) {
    Entry first = new Entry(value, 0);
    first.end = 0;
    first.done = 0;
    first.durable = true;
    entries.add(first);
  }

  private SectorHistory(List<Entry> entries) {
    this.entries = entries;
  }

  /** The same past for another device, whose future is its own. No write may be in flight. */
  SectorHistory fork() {
    SectorHistory fork = copy();
    fork.entries.forEach(entry -> entry.foreign = true);
    return fork;
  }

  /** The same, to try another future of the same device. No write may be in flight. */
  SectorHistory copy() {
    List<Entry> copies = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      if (entry.end == NEVER) {
        throw new IllegalStateException("in flight: " + entry);
      }
      copies.add(entry.copy());
    }
    return new SectorHistory(copies);
  }

  /** The device takes the place of the one it was forked from. */
  void adopt() {
    entries.forEach(entry -> entry.foreign = false);
  }

  Entry begin(long value, long now) {
    Entry entry = new Entry(value, now);
    entries.add(entry);
    return entry;
  }

  /** A write that will never be done. */
  void retract(Entry entry) {
    entries.remove(entry);
  }

  /** Ends a write; forgets what nobody can see any more. */
  void end(Entry entry, boolean good, boolean durable, long now, long oldestRead) {
    entry.end = now;
    if (good) {
      entry.done = Math.min(entry.done, now);
      entry.durable |= durable;
    }
    if (entries.size() > 2) {
      entries.removeIf(old -> replacedDurably(old, oldestRead));
    }
  }

  private boolean replacedDurably(Entry old, long oldestRead) {
    for (Entry entry : entries) {
      if (old.end < entry.begin && entry.durable && entry.done < oldestRead) {
        return true;
      }
    }
    return false;
  }

  /** Takes note that a read from {@code begin} until now gave {@code value}; whether it may. */
  boolean read(long value, long begin, long now) {
    Entry seen = null;
    for (Entry entry : entries) {
      if (entry.value == value && !replaced(entry, begin)) {
        seen = entry;
      }
    }
    if (seen == null) {
      return false;
    }
    if (seen.left) {
      settle(seen, now);
    } else if (isOnly(value) && !seen.loose) {
      seen.done = Math.min(seen.done, now);
    }
    return true;
  }

  /** Whether {@code value} was written here once: zeros may come from several. */
  private boolean isOnly(long value) {
    int count = 0;
    for (Entry entry : entries) {
      count += entry.value == value ? 1 : 0;
    }
    return count == 1;
  }

  private boolean replaced(Entry old, long before) {
    for (Entry entry : entries) {
      if (old.end < entry.begin && entry.done < before) {
        return true;
      }
    }
    return false;
  }

  /** What the power cut has left is known now: it is what the medium holds. */
  private void settle(Entry seen, long now) {
    entries.removeIf(entry -> entry.left && entry != seen);
    seen.left = false;
    seen.durable = true;
    seen.done = Math.min(seen.done, now);
  }

  /**
   * A flush that began at {@code begin} has succeeded, of the device that the writes of before the
   * fork went to, or of the one that this device's own go to.
   *
   * @return whether all there is is durable now
   */
  boolean flushed(long begin, boolean foreign) {
    boolean all = true;
    for (Entry entry : entries) {
      if (entry.foreign == foreign && !entry.lost && entry.done < begin && entry.end < begin) {
        entry.durable = true;
      }
      all &= entry.durable;
    }
    return all;
  }

  /** What was written to that device so far, and not durably, no flush makes durable. */
  void lose(boolean foreign) {
    for (Entry entry : entries) {
      entry.lost |= entry.foreign == foreign;
    }
  }

  /** Nothing ends any more of what was under way. */
  void processDeath(long now) {
    for (Entry entry : entries) {
      entry.end = Math.min(entry.end, now);
    }
  }

  /** The power was cut: what was not replaced durably is what the sector may hold now. */
  void powerCut(long now) {
    entries.removeIf(old -> replacedDurably(old, NEVER));
    List<Entry> survivors = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      if (survivors.stream().noneMatch(survivor -> survivor.value == entry.value)) {
        Entry survivor = new Entry(entry.value, now);
        survivor.end = now;
        survivor.foreign = entry.foreign;
        survivors.add(survivor);
      }
    }
    for (Entry survivor : survivors) {
      survivor.left = survivors.size() > 1;
      survivor.durable = survivors.size() == 1;
      survivor.done = survivors.size() == 1 ? now : NEVER;
    }
    entries = survivors;
  }

  @Override
  public String toString() {
    return entries.toString();
  }
}
