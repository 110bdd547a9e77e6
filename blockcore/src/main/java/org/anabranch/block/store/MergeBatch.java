// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.Arrays;

/**
 * The exceptions of one step of a merge: the last ones of a store's list, as runs that are
 * consecutive in both numberings, sorted by old chunk. Immutable.
 */
public final class MergeBatch {
  private final int count;
  private final int runs;
  private final long[] old;
  private final long[] news;
  private final int[] lengths;

  /** Makes a batch of {@code count} exceptions, in any order. Changes both arrays. */
  MergeBatch(long[] oldChunks, long[] newChunks, int count) {
    this.count = count;
    sort(oldChunks, newChunks, count);
    int[] length = new int[count];
    int n = 0;
    for (int i = 0; i < count; i++) {
      if (n > 0
          && oldChunks[n - 1] + length[n - 1] == oldChunks[i]
          && newChunks[n - 1] + length[n - 1] == newChunks[i]) {
        length[n - 1]++;
      } else {
        oldChunks[n] = oldChunks[i];
        newChunks[n] = newChunks[i];
        length[n++] = 1;
      }
    }
    runs = n;
    old = Arrays.copyOf(oldChunks, n);
    news = Arrays.copyOf(newChunks, n);
    lengths = Arrays.copyOf(length, n);
  }

  /** The number of exceptions, for {@link ExceptionStore#commitMerge}. */
  public int count() {
    return count;
  }

  /** The number of runs that they form. */
  public int runs() {
    return runs;
  }

  /** First origin chunk of run {@code i}. */
  public long oldChunk(int i) {
    return old[i];
  }

  /** First COW chunk of run {@code i}. */
  public long newChunk(int i) {
    return news[i];
  }

  /** The number of chunks of run {@code i}. */
  public int length(int i) {
    return lengths[i];
  }

  /** Whether the batch contains {@code chunk}. */
  public boolean covers(long chunk) {
    int i = floor(chunk);
    return i >= 0 && chunk < old[i] + lengths[i];
  }

  /** The first chunk after {@code chunk} whose {@link #covers} differs; beyond all if none. */
  public long boundary(long chunk) {
    int i = floor(chunk);
    if (i >= 0 && chunk < old[i] + lengths[i]) {
      while (i + 1 < runs && old[i + 1] == old[i] + lengths[i]) {
        i++;
      }
      return old[i] + lengths[i];
    }
    return i + 1 < runs ? old[i + 1] : Long.MAX_VALUE;
  }

  /** The last run that starts at or before {@code chunk}; -1 if all start after it. */
  private int floor(long chunk) {
    int i = Arrays.binarySearch(old, chunk);
    return i >= 0 ? i : -i - 2;
  }

  /** Sorts both arrays by the first, whose numbers are distinct. */
  private static void sort(long[] keys, long[] values, int count) {
    boolean sorted = true;
    for (int i = 1; i < count && sorted; i++) {
      sorted = keys[i - 1] < keys[i];
    }
    if (sorted) {
      return;
    }
    long[] unsorted = Arrays.copyOf(keys, count);
    long[] unsortedValues = Arrays.copyOf(values, count);
    Arrays.sort(keys, 0, count);
    for (int i = 0; i < count; i++) {
      values[Arrays.binarySearch(keys, 0, count, unsorted[i])] = unsortedValues[i];
    }
  }
}
