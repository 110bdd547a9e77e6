// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Memory whose amount changes while some of it is reserved. */
final class DataMemoryTest {
  private final DataMemory memory = new DataMemory(100);
  private final List<String> granted = new ArrayList<>();

  @Test
  void aCutIsFeltByWhatComesAndNobodyWaitsForEver() {
    assertThat(memory.tryReserve(60)).isTrue();
    var _ = memory.await(80, Runnable::run, () -> granted.add("80"));
    memory.capacity(50);
    assertThat(memory.tryReserve(1)).isFalse();
    assertThat(memory.free()).isEqualTo(-10);
    var _ = memory.await(20, Runnable::run, () -> granted.add("20"));
    memory.release(60);
    assertThat(granted).containsExactly("80"); // more than there is by now: alone
    memory.release(80);
    assertThat(granted).containsExactly("80", "20");
    assertThat(memory.free()).isEqualTo(30);
    memory.release(20);
    assertThat(memory.free()).isEqualTo(memory.capacity()).isEqualTo(50);
  }

  @Test
  void whatIsAddedIsGrantedAtOnce() {
    assertThat(memory.tryReserve(100)).isTrue();
    var _ = memory.await(50, Runnable::run, () -> granted.add("50"));
    memory.capacity(150);
    assertThat(granted).containsExactly("50");
    assertThat(memory.isContended()).isFalse();
  }
}
