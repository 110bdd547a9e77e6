// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ExceptionTableTest {
  private final ExceptionTable table = new ExceptionTable();
  private final Extent extent = new Extent();

  @Test
  void emptyTableMapsNothing() {
    table.lookup(17, extent);
    assertThat(extent.mapped()).isFalse();
    assertThat(extent.length()).isEqualTo(Long.MAX_VALUE - 17);
    assertThat(table.next(0, extent)).isFalse();
  }

  @Test
  void chunksJoinARunAtItsEndsAndAcrossAGap() {
    assertThat(table.insert(10, 110, 1)).isTrue();
    assertThat(table.insert(11, 111, 1)).isTrue();
    assertThat(table.insert(9, 109, 1)).isTrue();
    assertThat(table.insert(13, 113, 1)).isTrue();
    assertThat(table.runs()).isEqualTo(2);
    assertThat(table.insert(12, 112, 1)).isTrue();
    assertThat(table.runs()).isEqualTo(1);
    table.lookup(8, extent);
    assertThat(extent).hasToString("8+1 unmapped");
    table.lookup(10, extent);
    assertThat(extent).hasToString("10+4 -> 110");
    assertThat(table.insert(11, 500, 1)).isFalse();
    assertThat(table.insert(7, 500, 3)).isFalse();
    assertThat(table.chunks()).isEqualTo(5);
  }

  @Test
  void removesFromEndsAndMiddle() {
    table.insert(100, 1000, 10);
    table.remove(100, 1);
    table.remove(109, 1);
    table.remove(104, 2);
    table.lookup(101, extent);
    assertThat(extent).hasToString("101+3 -> 1001");
    table.lookup(104, extent);
    assertThat(extent).hasToString("104+2 unmapped");
    table.lookup(106, extent);
    assertThat(extent).hasToString("106+3 -> 1006");
    assertThatThrownBy(() -> table.remove(104, 1)).hasMessage("chunk 104 has no exception");
    table.remove(101, 3);
    table.remove(106, 3);
    assertThat(table.chunks()).isZero();
    assertThat(table.runs()).isZero();
  }

  @Test
  void aTerabyteInOnePieceTakesNextToNothing() {
    long chunks = 1L << 28; // of 4 KiB
    table.insert(5, 7, chunks);
    assertThat(table.chunks()).isEqualTo(chunks);
    assertThat(table.runs()).isEqualTo(chunks >> 16);
    table.lookup(chunks / 2, extent);
    assertThat(extent.newChunk()).isEqualTo(chunks / 2 + 2);
  }

  @Test
  void refusesChunkNumbersThatDoNotFit() {
    assertThatThrownBy(() -> table.insert(0, ExceptionTable.NEW_CHUNK_LIMIT, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> table.insert(-1, 0, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Against a plain map, with origin chunks around 2^32, where leaves end. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void doesWhatAMapDoes(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    TreeMap<Long, Long> model = new TreeMap<>();
    long base = seed % 2 == 0 ? 0 : (1L << 32) - 20_000;
    int range = seed > 4 ? 3000 : 40_000;
    for (int step = 0; step < 15_000; step++) {
      long old = base + random.nextInt(range);
      int count = 1 + random.nextInt(seed % 3 == 0 ? 40 : 2);
      if (random.nextInt(step < 10_000 ? 4 : 2) > 0) {
        long newChunk = random.nextBoolean() ? old + 7 : random.nextLong(1L << 40);
        boolean free = model.subMap(old, old + count).isEmpty();
        assertThat(table.insert(old, newChunk, count)).isEqualTo(free);
        for (int i = 0; free && i < count; i++) {
          model.put(old + i, newChunk + i);
        }
      } else {
        Map.Entry<Long, Long> first = model.ceilingEntry(old);
        int n = 0;
        while (first != null && n < count && model.containsKey(first.getKey() + n)) {
          n++;
        }
        if (first != null) {
          table.remove(first.getKey(), n);
          model.subMap(first.getKey(), first.getKey() + n).clear();
        }
      }
      if (step % 10 == 0) {
        checkLookup(model, base + random.nextInt(range));
      }
    }
    assertThat(table.chunks()).isEqualTo(model.size());
    TreeMap<Long, Long> all = new TreeMap<>();
    for (long from = 0; table.next(from, extent); from = extent.oldChunk() + extent.length()) {
      for (long i = 0; i < extent.length(); i++) {
        all.put(extent.oldChunk() + i, extent.newChunk() + i);
      }
    }
    assertThat(all).isEqualTo(model);
  }

  private void checkLookup(NavigableMap<Long, Long> model, long old) {
    table.lookup(old, extent);
    Long expected = model.get(old);
    assertThat(extent.mapped()).isEqualTo(expected != null);
    if (expected != null) {
      assertThat(extent.newChunk()).isEqualTo(expected);
      for (long i = 0; i < extent.length(); i++) {
        assertThat(model.get(old + i)).isEqualTo(expected + i);
      }
    } else {
      Long next = model.higherKey(old);
      assertThat(extent.length()).isEqualTo((next == null ? Long.MAX_VALUE : next) - old);
    }
  }

  /** What the table itself allocates is counted, not what the collector happens to leave. */
  @Test
  void singleChunksTakeLessThanSixteenBytesEach() {
    int count = 1_000_000;
    SplittableRandom random = new SplittableRandom(42);
    for (int i = 0; i < count; ) {
      if (table.insert(2L * random.nextInt(200_000_000), 2L * i, 1)) {
        i++;
      }
    }
    assertThat(table.runs()).isEqualTo(count);
    assertThat(table.bytes()).isLessThan(16L * count);
    ExceptionTable ascending = new ExceptionTable();
    for (int i = 0; i < count; i++) {
      ascending.insert(2L * i, 2L * i, 1);
    }
    assertThat(ascending.bytes()).isLessThan(13L * count);
  }
}
