// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Extendable;
import org.anabranch.block.count.Counters;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.FilterDevice;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A full store on a device that can become longer. */
final class ExtendableStoreTest {
  private static final long STEP = 32;

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 1024).pattern('O');
  private final TestDevice memory = new TestDevice("cow", 48);
  private final Growing cow = new Growing();

  ExtendableStoreTest() {
    bench.add(origin, cow);
  }

  /** Answers when told to, or at once. */
  private final class Growing extends FilterDevice implements Extendable {
    final List<Long> asked = new ArrayList<>();
    final List<CompletableFuture<Boolean>> waiting = new ArrayList<>();
    boolean waits;
    long most = Long.MAX_VALUE;

    Growing() {
      super(memory);
    }

    @Override
    public CompletionStage<Boolean> extendBeyond(long sectors) {
      asked.add(sectors);
      CompletableFuture<Boolean> answer = new CompletableFuture<>();
      waiting.add(answer);
      if (!waits) {
        answer();
      }
      return answer;
    }

    void answer() {
      List<CompletableFuture<Boolean>> now = List.copyOf(waiting);
      waiting.clear();
      boolean extended = memory.sectors() + STEP <= most;
      if (extended) {
        memory.grow(memory.sectors() + STEP);
      }
      now.forEach(each -> each.complete(extended));
      bench.scheduler.runToQuiescence();
    }
  }

  private BlockDevice snapshot(String type) throws TableException {
    return bench.create("s", "0 1024 snapshot origin cow " + type + " 8");
  }

  private BlockDevice origin() throws TableException {
    return bench.create("o", "0 1024 snapshot-origin origin");
  }

  private String status() throws TableException {
    return bench.mapper.status("s").substring("0 1024 snapshot ".length());
  }

  @ParameterizedTest
  @ValueSource(strings = {"P", "PO", "N"})
  void writesToTheOriginWaitForRoom(String type) throws TableException {
    BlockDevice s = snapshot(type);
    BlockDevice o = origin();
    assertThat(bench.put(o, 'W', 0, 1024).good()).isTrue();
    assertThat(bench.view(s)).isEqualTo(Bench.view(1024, 'O'));
    assertThat(bench.view(o)).isEqualTo(Bench.view(1024, 'W'));
    assertThat(cow.asked).hasSizeGreaterThan(20).isSorted().doesNotHaveDuplicates();
    assertThat(status()).startsWith(type.equals("N") ? "1024/" : "1040/");
  }

  @Test
  void writesToTheSnapshotWaitForRoom() throws TableException {
    BlockDevice s = snapshot("P");
    assertThat(bench.put(s, 'S', 3, 1000).good()).isTrue();
    byte[] expected = Bench.view(1024, 'O');
    Bench.pattern('S', 3, 1000).get(0, expected, 3 * 512, 1000 * 512);
    assertThat(bench.view(s)).isEqualTo(expected);
    assertThat(bench.view(origin())).isEqualTo(Bench.view(1024, 'O'));
  }

  @Test
  void allThatWaitShareOneQuestion() throws TableException {
    cow.waits = true;
    BlockDevice s = snapshot("P");
    BlockDevice o = origin();
    List<Bench.Outcome> writes = new ArrayList<>();
    for (int chunk = 0; chunk < 12; chunk++) {
      writes.add(bench.put(chunk % 2 == 0 ? o : s, 'W', chunk * 8L, 8));
    }
    assertThat(writes).filteredOn(write -> write.done).hasSize(4).allMatch(Bench.Outcome::good);
    assertThat(cow.asked).containsExactly(48L);
    // Reads, and what needs no room, go on.
    assertThat(bench.view(s)).hasSize(1024 * 512);
    assertThat(bench.put(o, 'X', 0, 8).good()).isTrue();
    while (!cow.waiting.isEmpty()) {
      cow.answer();
    }
    assertThat(writes).allMatch(Bench.Outcome::good);
    assertThat(cow.asked).containsExactly(48L, 80L);
    Counters<SnapshotCounter> counters =
        bench.mapper.device("s").counts().counters(SnapshotCounter.class);
    assertThat(counters.get(SnapshotCounter.STORE_EXTENSIONS)).isEqualTo(2);
  }

  @Test
  void aDeviceThatCannotGrowIsFull() throws TableException {
    cow.most = 80;
    BlockDevice s = snapshot("P");
    BlockDevice o = origin();
    Bench.Outcome write = bench.put(o, 'W', 0, 1024);
    assertThat(write.good()).isTrue();
    assertThat(status()).isEqualTo("Invalid");
    assertThat(cow.asked).containsExactly(48L, 80L);
    assertThat(bench.put(s, 'S', 0, 8).error).isNotNull();
    assertThat(bench.put(o, 'X', 0, 8).good()).isTrue();
    assertThat(cow.asked).hasSize(2);
  }

  @Test
  void fullWithOverflowKeepsItsReads() throws TableException {
    cow.most = 80;
    BlockDevice s = snapshot("PO");
    assertThat(bench.put(s, 'S', 0, 1024).error).isNotNull();
    assertThat(status()).isEqualTo("Overflow");
    assertThat(bench.view(s)).hasSize(1024 * 512);
    assertThat(cow.asked).containsExactly(48L, 80L);
  }
}
