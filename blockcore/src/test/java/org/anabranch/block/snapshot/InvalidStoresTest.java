// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A store that fails so thoroughly that it can't even be marked as invalid. */
final class InvalidStoresTest {
  private static final String SNAPSHOT = "0 2048 snapshot origin cow P 8";

  /** Keeps one store, when it is told to. */
  private static final class Keeper implements InvalidStores {
    final CompletableFuture<@Nullable Void> answer = new CompletableFuture<>();
    @Nullable BlockDevice asked;
    boolean isUnreadable;

    @Override
    public CompletionStage<@Nullable Void> add(BlockDevice cow) {
      assertThat(asked).isNull();
      asked = cow;
      return answer;
    }

    @Override
    public CompletionStage<Boolean> contains(BlockDevice cow) {
      return isUnreadable
          ? CompletableFuture.failedFuture(new IOException("the record cannot be read"))
          : CompletableFuture.completedFuture(
              cow.equals(asked) && !answer.isCompletedExceptionally());
    }
  }

  private final Keeper keeper = new Keeper();
  private final Bench bench = new Bench(keeper);
  private final TestDevice origin = new TestDevice("origin", 2048).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);

  @BeforeEach
  void storeThatDies() throws TableException {
    bench.add(origin, cow);
    bench.create("s", SNAPSHOT);
    bench.create("o", "0 2048 snapshot-origin origin");
    cow.fault(io -> io.modifies() ? IoError.io(0, "dead", null) : null);
  }

  private Bench.Outcome write(long sector) throws TableException {
    return bench.put(bench.mapper.device("o"), 'W', sector, 8);
  }

  @Test
  void originGoesOnWhenItIsKeptElsewhere() throws TableException {
    Bench.Outcome write = write(80);
    assertThat(keeper.asked).isEqualTo(cow);
    assertThat(write.done).isFalse();
    assertThat(origin.log()).noneMatch(io -> io.startsWith("WRITE"));

    keeper.answer.complete(null);
    bench.scheduler.runToQuiescence();
    assertThat(write.good()).isTrue();
    assertThat(write(800).good()).isTrue();
    bench.remove("s");
    cow.fault(io -> null);
    bench.create("s", SNAPSHOT);
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot Invalid");
  }

  @Test
  void aSnapshotIsRefusedWhoseRecordCannotBeRead() throws TableException {
    cow.fault(io -> null);
    bench.remove("s");
    keeper.isUnreadable = true;
    assertThatThrownBy(() -> bench.create("s", SNAPSHOT))
        .hasMessageContaining("the record cannot be read");
    assertThat(bench.mapper.ls()).containsExactly("o");
    keeper.isUnreadable = false;
    bench.create("s", SNAPSHOT);
    assertThat(write(80).good()).isTrue();
  }

  @Test
  void originTakesNoWritesWhenItCannotBeKept() throws TableException {
    Bench.Outcome write = write(80);
    keeper.answer.completeExceptionally(new IOException("on purpose"));
    bench.scheduler.runToQuiescence();
    assertThat(write.done && !write.good()).isTrue();
    assertThat(write(800).good()).isFalse();
    assertThat(origin.bytes()).isEqualTo(Bench.view(2048, 'O'));
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot Invalid");

    bench.remove("s");
    assertThat(write(80).good()).isTrue();
  }
}
