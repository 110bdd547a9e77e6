// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What each block of a disk may contain, given what was written, read and flushed, and when.
 * Decides whether a read was correct.
 *
 * <p>Every operation has a start and an end on one logical clock. A block is a register; a write
 * takes effect at some moment between its start and its end. So a read may return write V unless V
 * has certainly been overwritten, that is, unless there is a write W with
 *
 * <pre>
 *   V ended  <  W began,   W ended  <  the read began
 * </pre>
 *
 * More rules are reduced to this one:
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
 *   <li>A rollback is a write of what the snapshot has, to every block.
 * </ul>
 *
 * A block is whatever is written whole or not at all, such as a logical block. Blocks are counted
 * from the start of the range. Thread-safe: each method takes this object's monitor.
 */
public final class BlockHistory {
  private static final long NEVER = Long.MAX_VALUE;

  /** The value of what is known to have been overwritten by one of several; never read. */
  private static final long OVERWRITTEN = Long.MIN_VALUE;

  /** The most entries of a block if crashes are expected; then a flush is due. */
  private static final int MANY = 256;

  /** An operation that left a value, or a read that saw one. */
  public static final class Write {
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

    /** Its number in the blocks; 0 for a discard. */
    public long value() {
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
  public static final class Mark {
    private final long began;

    private Mark(long began) {
      this.began = began;
    }
  }

  private final boolean crashes;
  private final boolean mixes;
  private @Nullable Write[][] registers;
  private final Write blank = new Write(0, true, 0);
  private final Set<Mark> reads = new HashSet<>();
  private final Set<Write> pending = new HashSet<>();
  private final AtomicLong clock;
  private long lastValue;
  private long flushed;
  private long crashedAt;
  private boolean flushDue;

  /**
   * A range that reads as zeros.
   *
   * @param crashes whether {@link #crashed} may be called
   */
  public BlockHistory(int blockCount, boolean crashes) {
    this(blockCount, crashes, false, new AtomicLong(1));
  }

  /**
   * The same with a clock that several disks share.
   *
   * @param mixes whether a read beside a write of the same block may find parts of both
   */
  BlockHistory(int blockCount, boolean crashes, boolean mixes, AtomicLong clock) {
    this.crashes = crashes;
    this.mixes = mixes;
    this.clock = clock;
    registers = new Write[blockCount][];
    blank.ended = 0;
  }

  private long tick() {
    return clock.incrementAndGet();
  }

  /** Starts a write of a new value. */
  public synchronized Write beginWrite(int first, int count, boolean fua) {
    return beginWrite(++lastValue, first, count, fua);
  }

  /** Starts a write of a value that nothing else has. */
  synchronized Write beginWrite(long value, int first, int count, boolean fua) {
    return begin(new Write(value, fua, tick()), first, count);
  }

  /** Starts a write of zeros; if not {@code certain}, the target may leave any of it unchanged. */
  public synchronized Write beginDiscard(int first, int count, boolean certain) {
    Write write = new Write(0, false, tick());
    write.uncertain = !certain;
    return begin(write, first, count);
  }

  private Write begin(Write write, int first, int count) {
    pending.add(write);
    for (int block = first; block < first + count; block++) {
      add(block, write);
    }
    return write;
  }

  /** The write succeeded. */
  public synchronized void ended(Write write) {
    if (pending.remove(write)) {
      write.ended = tick();
    }
  }

  /** The write failed, in whole or in part. */
  public synchronized void failed(Write write) {
    if (pending.remove(write)) {
      write.uncertain = true;
      write.ended = tick();
    }
  }

  /** Starts a read. */
  public synchronized Mark beginRead() {
    Mark mark = new Mark(tick());
    reads.add(mark);
    return mark;
  }

  /**
   * Ends a read.
   *
   * @param values the content of each block; null if the read failed
   * @return the first block with impossible content, or -1
   */
  public synchronized int endRead(Mark mark, int first, long @Nullable [] values) {
    reads.remove(mark);
    long now = tick();
    if (values == null) {
      return -1;
    }
    @Nullable Write seen = null;
    for (int i = 0; i < values.length; i++) {
      if (mixes && values[i] == SectorPattern.FOREIGN && isWritten(first + i, mark.began)) {
        continue;
      }
      if (!allows(first + i, values[i], mark.began)) {
        return first + i;
      }
      if (seen == null || seen.value != values[i]) {
        seen = new Write(values[i], false, mark.began);
        seen.ended = now;
        seen.observed = true;
      }
      Write[] known = registers[first + i];
      // With one candidate there is nothing that the observation could rule out; and what was seen
      // before a crash need not be there after it.
      if (known != null && known.length > 1 && mark.began > crashedAt) {
        add(first + i, seen);
      }
    }
    return -1;
  }

  /** What a read could have found in a block, in words. */
  public synchronized String explain(int block, Mark mark) {
    List<String> words = new ArrayList<>();
    for (Write write : candidates(block)) {
      words.add(write + (isOverwritten(write, block, mark.began) ? " (overwritten)" : ""));
    }
    return "read since "
        + mark.began
        + " to "
        + clock.get()
        + "; known: "
        + String.join(", ", words);
  }

  /** Starts a flush. */
  public synchronized Mark beginFlush() {
    return new Mark(tick());
  }

  /** The flush succeeded: what had ended before its start is durable. */
  public synchronized void flushed(Mark mark) {
    flushed = Math.max(flushed, mark.began);
    flushDue = false;
  }

  /** Whether some block has had so many writes that the next operation should be a flush. */
  public synchronized boolean flushDue() {
    return flushDue;
  }

  /** A new session has replaced a lost one: no earlier operation can take effect any more. */
  public synchronized void reconnected() {
    for (Write write : pending) {
      write.uncertain = true;
      write.ended = clock.get();
    }
    pending.clear();
    tick();
  }

  /** The target crashed and restarted, with the data of the last flush and perhaps more. */
  public synchronized void crashed() {
    if (!crashes) {
      throw new IllegalStateException("this history does not keep what a crash may bring back");
    }
    reconnected();
    Set<Write> doubtful = new HashSet<>();
    for (Write[] known : registers) {
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
    crashedAt = tick();
  }

  synchronized int blocks() {
    return registers.length;
  }

  /** The disk is longer now; the new blocks read as zeros. */
  synchronized void extend(int blockCount) {
    registers = Arrays.copyOf(registers, Math.max(blockCount, registers.length));
  }

  /** From now on what may be read is kept, until {@link #possible} asks for it. */
  synchronized Mark hold() {
    return beginRead();
  }

  /** The mark is not needed any more. */
  synchronized void release(Mark mark) {
    reads.remove(mark);
  }

  /** What each block may have held at some moment from the mark on until now, and when. */
  synchronized List<List<Possible>> possible(Mark since) {
    List<List<Possible>> blocks = new ArrayList<>(registers.length);
    for (int block = 0; block < registers.length; block++) {
      SequencedMap<Long, Possible> values = new LinkedHashMap<>();
      for (Write write : candidates(block)) {
        if (!write.observed
            && write.value != OVERWRITTEN
            && !isOverwritten(write, block, since.began)) {
          Possible one = new Possible(write.value, write.began, overwrittenAt(write, block));
          values.merge(write.value, one, Possible::or);
        }
      }
      blocks.add(List.copyOf(values.values()));
    }
    return blocks;
  }

  /** When {@code write} had been overwritten at the latest. */
  private long overwrittenAt(Write write, int block) {
    long earliest = NEVER;
    for (Write other : candidates(block)) {
      if (replaces(other, write)) {
        earliest = Math.min(earliest, other.ended);
      }
    }
    return earliest;
  }

  /** All blocks of a new disk get contents that are durable; it is not read before this. */
  synchronized void contain(List<List<Possible>> contents, Mark since) {
    for (int block = 0; block < contents.size(); block++) {
      List<Possible> values = contents.get(block);
      Write[] writes = new Write[values.size()];
      for (int i = 0; i < writes.length; i++) {
        writes[i] = new Write(values.get(i).value(), true, since.began);
        writes[i].ended = tick();
        writes[i].uncertain = writes.length > 1;
      }
      registers[block] = writes;
    }
  }

  /** A rollback to contents of which each block has one or more: some moment, all blocks. */
  final class Rollback {
    private final List<List<Write>> writes = new ArrayList<>();
    private final long began = tick();

    private Rollback() {}

    /** Its blocks may become these contents, or what they might have become before. */
    void may(List<List<Possible>> contents) {
      synchronized (BlockHistory.this) {
        for (int block = 0; block < contents.size(); block++) {
          if (block == writes.size()) {
            writes.add(new ArrayList<>());
          }
          List<Write> ofBlock = writes.get(block);
          for (Possible possible : contents.get(block)) {
            if (ofBlock.stream().noneMatch(write -> write.value == possible.value())) {
              Write write = new Write(possible.value(), true, began);
              write.uncertain = true;
              add(block, write);
              ofBlock.add(write);
            }
          }
        }
      }
    }

    /** It has begun: all reads show it from now on. */
    void happened() {
      synchronized (BlockHistory.this) {
        long now = tick();
        for (int block = 0; block < writes.size(); block++) {
          List<Write> ofBlock = writes.get(block);
          if (ofBlock.size() == 1) {
            ofBlock.getFirst().uncertain = false;
          } else { // one of them, so whatever was there before is gone
            Write gone = new Write(OVERWRITTEN, true, began);
            gone.ended = now;
            add(block, gone);
          }
          ofBlock.forEach(write -> write.ended = now);
        }
      }
    }

    /** It has not happened and never will. */
    void didNotHappen() {
      synchronized (BlockHistory.this) {
        for (int block = 0; block < writes.size(); block++) {
          List<Write> known = new ArrayList<>(List.of(candidates(block)));
          known.removeAll(writes.get(block));
          registers[block] = known.toArray(Write[]::new);
        }
      }
    }
  }

  /** Begins a rollback; {@link Rollback#may} says to what. */
  synchronized Rollback beginRollback() {
    return new Rollback();
  }

  private boolean isDurable(Write write) {
    return (write.fua && !write.uncertain) || write.ended < flushed;
  }

  private boolean allows(int block, long value, long began) {
    for (Write write : candidates(block)) {
      if (!write.observed && write.value == value && !isOverwritten(write, block, began)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a write to the block was under way at some moment since then. */
  private boolean isWritten(int block, long since) {
    for (Write write : candidates(block)) {
      if (!write.observed && write.ended > since) {
        return true;
      }
    }
    return false;
  }

  private boolean isOverwritten(Write write, int block, long readBegan) {
    for (Write other : candidates(block)) {
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

  private Write[] candidates(int block) {
    Write[] known = registers[block];
    return known == null ? new Write[] {blank} : known;
  }

  /** Adds an entry to a block, and drops those that no read can return any more. */
  private void add(int block, Write write) {
    Write[] known = candidates(block);
    long oldestRead = clock.get();
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
    registers[block] = Arrays.copyOf(kept, count);
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
