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
    var _ = memory.account().await(80, Runnable::run, () -> granted.add("80"));
    memory.capacity(50);
    assertThat(memory.tryReserve(1)).isFalse();
    assertThat(memory.free()).isEqualTo(-10);
    var _ = memory.account().await(20, Runnable::run, () -> granted.add("20"));
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
    var _ = memory.account().await(25, Runnable::run, () -> granted.add("25"));
    memory.capacity(150);
    assertThat(granted).containsExactly("25");
    assertThat(memory.isContended()).isFalse();
  }

  /** One that asks for all does not get all, and those who come later find some. */
  @Test
  void nobodyHoldsMoreThanIsLeftForOthers() {
    DataMemory big = new DataMemory(1280);
    DataMemory.Account greedy = big.account();
    DataMemory.Account second = big.account();
    int got = 0;
    while (greedy.tryReserve(10)) {
      got += 10;
    }
    assertThat(got).isEqualTo(640);
    while (second.tryReserve(10)) {
      got += 10;
    }
    assertThat(got).isEqualTo(960);
    assertThat(big.free()).isEqualTo(320);
    assertThat(big.account().tryReserve(100)).isTrue();
  }

  @Test
  void whoWaitsForMoreThanItsShareHoldsNobodyUp() {
    DataMemory.Account greedy = memory.account();
    assertThat(greedy.tryReserve(50)).isTrue();
    for (int i = 0; i < 10; i++) {
      var _ = greedy.await(10, Runnable::run, () -> granted.add("greedy"));
    }
    assertThat(granted).isEmpty();
    assertThat(memory.isContended()).as("nobody is short of its share").isFalse();
    DataMemory.Account good = memory.account();
    assertThat(good.tryReserve(20)).isTrue();
    good.release(20);
    greedy.release(50);
    assertThat(granted).hasSize(5);
  }

  @Test
  void accountsTakeTurns() {
    assertThat(memory.account().tryReserve(100)).isTrue(); // alone
    DataMemory.Account one = memory.account();
    DataMemory.Account other = memory.account();
    for (int i = 0; i < 2; i++) {
      var _ = one.await(10, Runnable::run, () -> granted.add("one"));
    }
    for (int i = 0; i < 2; i++) {
      var _ = other.await(10, Runnable::run, () -> granted.add("other"));
    }
    assertThat(memory.isContended()).isTrue();
    memory.capacity(180);
    assertThat(granted).containsExactly("one", "other", "one", "other");
  }

  /** Those who hold some already could otherwise take everything that comes back, in turns. */
  @Test
  void whoHoldsNothingIsServedFirst() {
    List<DataMemory.Account> many = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      DataMemory.Account account = memory.account();
      many.add(account);
      assertThat(account.tryReserve(5)).isTrue();
    }
    many.forEach(account -> {
      var _ = account.await(1, Runnable::run, () -> granted.add("more"));
    });
    var _ = memory.account().await(4, Runnable::run, () -> granted.add("first"));
    many.getLast().release(4);
    assertThat(granted).first().isEqualTo("first");
  }
}
