// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The bound of the memory for copies, reached. */
final class BufferPoolTest {
  private final List<BufferPool.Lease> got = new ArrayList<>();

  private static long bytes(Iterable<BufferPool.Lease> leases) {
    long sum = 0;
    for (BufferPool.Lease lease : leases) {
      sum += (lease.data().capacity() + 4095) / 4096 * 4096L;
    }
    return sum;
  }

  @Test
  void whoFindsNoRoomWaitsInLine() {
    BufferPool pool = new BufferPool(4 * 65_536);
    for (int i = 0; i < 4; i++) {
      pool.acquire(65_536, got::add);
    }
    assertThat(got).hasSize(4);
    List<String> served = new ArrayList<>();
    pool.acquire(65_536, lease -> served.add("large"));
    pool.acquire(4096, lease -> served.add("small"));
    assertThat(served).isEmpty();
    pool.release(got.get(1));
    assertThat(served).containsExactly("large");
    pool.release(got.get(3));
    assertThat(served).containsExactly("large", "small");
  }

  /** A small one that came later does not overtake a large one, or that might wait for ever. */
  @Test
  void nobodyOvertakes() {
    BufferPool pool = new BufferPool(65_536);
    pool.acquire(32_768, got::add);
    List<String> served = new ArrayList<>();
    pool.acquire(65_536, lease -> served.add("large"));
    pool.acquire(4096, lease -> served.add("small"));
    assertThat(served).isEmpty();
    pool.release(got.getFirst());
    assertThat(served).containsExactly("large");
  }

  @Test
  void buffersInUseNeverOverlapNorExceedTheBound() {
    long most = 10 << 20; // two slabs, as a slab has 4 MiB
    BufferPool pool = new BufferPool(most);
    Random random = new Random(3);
    ArrayDeque<BufferPool.Lease> held = new ArrayDeque<>();
    Set<Long> marks = new HashSet<>();
    int asked = 0;
    for (int i = 0; i < 5000; i++) {
      if (random.nextInt(5) < 3) {
        asked++;
        pool.acquire(
            1 + random.nextInt(BufferPool.MAX),
            lease -> {
              long mark = 1L + marks.size();
              marks.add(mark);
              for (int at = 0; at + 8 <= lease.data().capacity(); at += 4096) {
                lease.data().putLong(at, mark);
              }
              held.add(lease);
            });
      } else if (!held.isEmpty()) {
        BufferPool.Lease lease = held.remove();
        if (lease.data().capacity() >= 8) {
          long mark = lease.data().getLong(0);
          for (int at = 0; at + 8 <= lease.data().capacity(); at += 4096) {
            assertThat(lease.data().getLong(at)).isEqualTo(mark);
          }
        }
        pool.release(lease);
      }
      assertThat(bytes(held)).isLessThanOrEqualTo(8 << 20);
    }
    assertThat(asked).isGreaterThan(marks.size()); // somebody had to wait
    while (!held.isEmpty()) {
      pool.release(held.remove());
    }
    assertThat(marks).hasSize(asked);
  }

  @Test
  void smallestPoolHasAPage() {
    BufferPool pool = new BufferPool(1);
    assertThat(pool.largest()).isEqualTo(4096);
    pool.acquire(4096, got::add);
    pool.acquire(1, got::add);
    assertThat(got).hasSize(1);
    assertThatThrownBy(() -> pool.acquire(4097, got::add))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
