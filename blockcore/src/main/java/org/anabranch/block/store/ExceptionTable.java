// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The completed exceptions of one snapshot in memory: an ordered map from runs of origin chunks to
 * runs of COW chunks.
 *
 * <pre>
 *   firsts   [ 0 | 7310 | 20144 | ... ]        old chunk of each leaf's first run, sorted
 *   leaves   [ . |  .   |   .   | ... ]
 *                   |
 *                   keys  int[]    low 32 bits of each run's first old chunk, sorted; all runs of a
 *                                  leaf share the high 32 bits
 *                   runs  long[]   first new chunk (48 bits) | length - 1 (16 bits)
 * </pre>
 *
 * <p>A run costs 12 bytes and a little slack, because arrays grow by small steps and leaves that
 * are appended to are left full: about 13 bytes for a single chunk, 12 for up to 65,536 chunks that
 * are consecutive in both numberings. Lookups are two binary searches; an insertion moves at most a
 * leaf, and the directory once in a few hundred insertions.
 *
 * <p>Not thread-safe: guarded by the owner's lock.
 */
public final class ExceptionTable {
  /** Exclusive upper bound of chunk numbers on a COW device. */
  public static final long NEW_CHUNK_LIMIT = 1L << 48;

  private static final int LENGTH_BITS = 16;
  private static final int MAX_LENGTH = 1 << LENGTH_BITS;
  private static final int LEAF_RUNS = 512;
  private static final int STEP = 32;

  private long[] firsts = new long[4];
  private @Nullable Leaf[] leaves = new @Nullable Leaf[4];
  private int leafCount;
  private long chunks;
  private long runs;

  /** The number of chunks that have exceptions. */
  public long chunks() {
    return chunks;
  }

  /** The number of runs that they form here. */
  public long runs() {
    return runs;
  }

  /** The approximate size of the table on the heap, in bytes. */
  public long bytes() {
    long bytes = 16L * firsts.length;
    for (int i = 0; i < leafCount; i++) {
      bytes += 64 + 12L * leaf(i).keys.length; // headers of two arrays, and the leaf itself
    }
    return bytes;
  }

  /** Finds what {@code old} maps to and how far that applies, or how far nothing is mapped. */
  public void lookup(long old, Extent out) {
    out.oldChunk = old;
    int at = leafOf(old);
    if (at >= 0) {
      Leaf leaf = leaf(at);
      int i = leaf.floor(old);
      long ahead = old - leaf.old(i);
      if (ahead < leaf.length(i)) {
        out.mapped = true;
        out.newChunk = leaf.newChunk(i) + ahead;
        out.length = leaf.length(i) - ahead;
        return;
      }
      if (i + 1 < leaf.size) {
        out.mapped = false;
        out.length = leaf.old(i + 1) - old;
        return;
      }
    }
    out.mapped = false;
    out.length = (at + 1 < leafCount ? firsts[at + 1] : Long.MAX_VALUE) - old;
  }

  /** Finds the first mapped chunk at or after {@code from}; false if there is none. */
  public boolean next(long from, Extent out) {
    lookup(from, out);
    if (!out.mapped) {
      if (out.length == Long.MAX_VALUE - from) {
        return false;
      }
      lookup(from + out.length, out);
    }
    return true;
  }

  /**
   * Maps {@code count} chunks from {@code old} on to those from {@code newChunk} on.
   *
   * @return false, with nothing changed, if one of them is already mapped
   */
  public boolean insert(long old, long newChunk, long count) {
    if (old < 0 || newChunk < 0 || count < 1 || newChunk + count > NEW_CHUNK_LIMIT) {
      throw new IllegalArgumentException(old + "+" + count + " -> " + newChunk);
    }
    int at = leafOf(old);
    int i = at < 0 ? -1 : leaf(at).floor(old);
    if (at >= 0 && old - leaf(at).old(i) < leaf(at).length(i)) {
      return false;
    }
    long next = at >= 0 && i + 1 < leaf(at).size ? leaf(at).old(i + 1) : firstOf(at + 1);
    if (next - old < count) {
      return false;
    }
    add(at, i, old, newChunk, (int) Math.min(MAX_LENGTH, count));
    for (long done = MAX_LENGTH; done < count; done += MAX_LENGTH) {
      add(old + done, newChunk + done, (int) Math.min(MAX_LENGTH, count - done));
    }
    chunks += count;
    return true;
  }

  /** Removes the exceptions of {@code count} chunks from {@code old} on, all of them mapped. */
  public void remove(long old, long count) {
    for (long left = count; left > 0; ) {
      int at = leafOf(old);
      Leaf leaf = at < 0 ? null : leaf(at);
      int i = leaf == null ? -1 : leaf.floor(old);
      if (leaf == null || old - leaf.old(i) >= leaf.length(i)) {
        throw new IllegalArgumentException("chunk " + old + " has no exception");
      }
      long first = leaf.old(i);
      long firstNew = leaf.newChunk(i);
      int length = leaf.length(i);
      int before = (int) (old - first);
      int n = (int) Math.min(left, length - before);
      int behind = length - before - n;
      if (before > 0) {
        leaf.runs[i] = pack(firstNew, before);
      } else {
        delete(at, leaf, i);
      }
      if (behind > 0) {
        add(old + n, firstNew + before + n, behind);
      }
      chunks -= n;
      old += n;
      left -= n;
    }
  }

  /** The first chunk of a leaf; beyond all chunks if there is no such leaf. */
  private long firstOf(int at) {
    return at < leafCount ? firsts[at] : Long.MAX_VALUE;
  }

  private void add(long old, long newChunk, int count) {
    int at = leafOf(old);
    add(at, at < 0 ? -1 : leaf(at).floor(old), old, newChunk, count);
  }

  /**
   * Adds a run of unmapped chunks and joins it with neighbours that it continues.
   *
   * @param at the leaf of the run before it, -1 if there is none
   * @param before the index of that run
   */
  private void add(int at, int before, long old, long newChunk, int count) {
    if (at >= 0) {
      Leaf leaf = leaf(at);
      int length = leaf.length(before);
      if (leaf.old(before) + length == old
          && leaf.newChunk(before) + length == newChunk
          && length + count <= MAX_LENGTH) {
        leaf.runs[before] = pack(leaf.newChunk(before), length + count);
        joinNext(at, leaf, before);
        return;
      }
    }
    boolean here = at >= 0 && before + 1 < leaf(at).size;
    int next = here ? at : at + 1;
    int i = here ? before + 1 : 0;
    if (next < leafCount) {
      Leaf leaf = leaf(next);
      int length = leaf.length(i);
      if (leaf.old(i) == old + count
          && leaf.newChunk(i) == newChunk + count
          && length + count <= MAX_LENGTH
          && leaf.high == old >>> 32) {
        leaf.keys[i] = (int) old;
        leaf.runs[i] = pack(newChunk, length + count);
        if (i == 0) {
          firsts[next] = old;
        }
        return;
      }
    }
    insertRun(at, before + 1, old, pack(newChunk, count));
  }

  /** Joins run {@code i} with the next one if that continues it. */
  private void joinNext(int at, Leaf leaf, int i) {
    int nextAt = i + 1 < leaf.size ? at : at + 1;
    if (nextAt == leafCount) {
      return;
    }
    Leaf nextLeaf = leaf(nextAt);
    int next = nextAt == at ? i + 1 : 0;
    int length = leaf.length(i);
    int total = length + nextLeaf.length(next);
    if (nextLeaf.old(next) == leaf.old(i) + length
        && nextLeaf.newChunk(next) == leaf.newChunk(i) + length
        && total <= MAX_LENGTH) {
      leaf.runs[i] = pack(leaf.newChunk(i), total);
      delete(nextAt, nextLeaf, next);
    }
  }

  /** Inserts a run at index {@code i} of leaf {@code at}, or before all leaves. */
  private void insertRun(int at, int i, long old, long run) {
    runs++;
    if (at < 0 || leaf(at).high != old >>> 32) {
      // The leaf before it covers another part of the origin; the next one may cover this part.
      at++;
      i = 0;
      if (at == leafCount || leaf(at).high != old >>> 32) {
        addLeaf(at, new Leaf(old, run));
        return;
      }
    }
    Leaf leaf = leaf(at);
    if (leaf.size == LEAF_RUNS) {
      if (i == leaf.size || i == 0) {
        addLeaf(i == 0 ? at : at + 1, new Leaf(old, run));
        return;
      }
      Leaf behind = leaf.split();
      addLeaf(at + 1, behind);
      if (i > leaf.size) {
        i -= leaf.size;
        at++;
        leaf = behind;
      }
    }
    leaf.insert(i, (int) old, run);
    if (i == 0) {
      firsts[at] = old;
    }
  }

  private void addLeaf(int at, Leaf leaf) {
    if (leafCount == firsts.length) {
      firsts = Arrays.copyOf(firsts, leafCount + leafCount / 2);
      leaves = Arrays.copyOf(leaves, firsts.length);
    }
    System.arraycopy(firsts, at, firsts, at + 1, leafCount - at);
    System.arraycopy(leaves, at, leaves, at + 1, leafCount - at);
    firsts[at] = leaf.old(0);
    leaves[at] = leaf;
    leafCount++;
  }

  private void delete(int at, Leaf leaf, int i) {
    runs--;
    leaf.delete(i);
    if (leaf.size == 0) {
      leafCount--;
      System.arraycopy(firsts, at + 1, firsts, at, leafCount - at);
      System.arraycopy(leaves, at + 1, leaves, at, leafCount - at);
      leaves[leafCount] = null;
    } else if (i == 0) {
      firsts[at] = leaf.old(0);
    }
  }

  /** The leaf whose first run starts at or before {@code old}; -1 if all start after it. */
  private int leafOf(long old) {
    int at = Arrays.binarySearch(firsts, 0, leafCount, old);
    return at >= 0 ? at : -at - 2;
  }

  private Leaf leaf(int at) {
    Leaf leaf = leaves[at];
    if (leaf == null) {
      throw new IllegalStateException("no leaf " + at);
    }
    return leaf;
  }

  private static long pack(long newChunk, int length) {
    return newChunk << LENGTH_BITS | (length - 1);
  }

  private static final class Leaf {
    final long high;
    int[] keys = new int[STEP];
    long[] runs = new long[STEP];
    int size = 1;

    Leaf(long old, long run) {
      high = old >>> 32;
      keys[0] = (int) old;
      runs[0] = run;
    }

    private Leaf(long high, int[] keys, long[] runs, int size) {
      this.high = high;
      this.keys = keys;
      this.runs = runs;
      this.size = size;
    }

    long old(int i) {
      return high << 32 | (keys[i] & 0xFFFFFFFFL);
    }

    long newChunk(int i) {
      return runs[i] >>> LENGTH_BITS;
    }

    int length(int i) {
      return (int) (runs[i] & (MAX_LENGTH - 1)) + 1;
    }

    /** The last run that starts at or before {@code old}. */
    int floor(long old) {
      if (old >>> 32 != high) {
        return size - 1; // never called for chunks before its first run
      }
      int key = (int) old ^ Integer.MIN_VALUE;
      int low = 0;
      int end = size;
      while (end - low > 1) {
        int middle = (low + end) >>> 1;
        if ((keys[middle] ^ Integer.MIN_VALUE) <= key) {
          low = middle;
        } else {
          end = middle;
        }
      }
      return low;
    }

    void insert(int i, int key, long run) {
      if (size == keys.length) {
        resize(size + STEP);
      }
      System.arraycopy(keys, i, keys, i + 1, size - i);
      System.arraycopy(runs, i, runs, i + 1, size - i);
      keys[i] = key;
      runs[i] = run;
      size++;
    }

    void delete(int i) {
      size--;
      System.arraycopy(keys, i + 1, keys, i, size - i);
      System.arraycopy(runs, i + 1, runs, i, size - i);
      if (keys.length - size >= 2 * STEP) {
        resize(size + STEP / 2);
      }
    }

    /** Moves the second half to a new leaf. */
    Leaf split() {
      int half = size / 2;
      int rest = size - half;
      Leaf behind =
          new Leaf(
              high,
              Arrays.copyOf(Arrays.copyOfRange(keys, half, size), rest + STEP),
              Arrays.copyOf(Arrays.copyOfRange(runs, half, size), rest + STEP),
              rest);
      size = half;
      resize(half + STEP);
      return behind;
    }

    private void resize(int capacity) {
      keys = Arrays.copyOf(keys, capacity);
      runs = Arrays.copyOf(runs, capacity);
    }
  }
}
