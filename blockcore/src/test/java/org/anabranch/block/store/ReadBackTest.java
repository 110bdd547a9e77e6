// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A merge's look at the end of a store of chunks of 512 bytes, with 32 exceptions in each area. */
final class ReadBackTest {
  private static final int EXCEPTIONS = 32 * 100 + 5;

  private final DeferringLock lock = new DeferringLock();
  private final TestDevice cow = new TestDevice("cow", 4096);
  private final PersistentStore store =
      new PersistentStore(cow, lock, new StoreLayout(1), false, false);
  private final List<MergeBatch> batches = new ArrayList<>();
  private @Nullable IoError failure;

  /** Exception i is for chunk 3 i. */
  private void fill() {
    store
        .load(new ExceptionTable(), new TestDevice("origin", 1 << 20))
        .toCompletableFuture()
        .join();
    for (int i = 0; i < EXCEPTIONS; i++) {
      long old = 3L * i;
      lock.run(
          () -> store.commit(old, Objects.requireNonNull(store.allocate(1)), true, valid -> {}));
    }
    assertThat(store.exceptions()).isEqualTo(EXCEPTIONS);
    cow.clearLog();
  }

  private void prepare(int most) {
    lock.run(() ->
        store.prepareMerge(
            most,
            (batch, error) -> {
              lock.checkHeld();
              failure = error;
              if (batch != null) {
                batches.add(batch);
              }
            }));
  }

  @Test
  void areasAreReadSideBySideWithinABound() {
    fill();
    cow.hold(io -> io.op() == Io.Op.READ);
    prepare(EXCEPTIONS);
    assertThat(cow.held()).hasSize(StoreScan.MAX_AHEAD);
    while (!cow.held().isEmpty()) {
      cow.serve(cow.takeNewest()); // the other way round
    }
    assertThat(cow.log()).hasSize(100);
    MergeBatch all = batches.getFirst();
    assertThat(all.count()).isEqualTo(EXCEPTIONS);
    assertThat(all.runs()).isEqualTo(EXCEPTIONS);
    for (int i = 0; i < EXCEPTIONS; i++) {
      assertThat(all.oldChunk(i)).isEqualTo(3L * i);
      assertThat(all.newChunk(i)).isEqualTo(2 + i + i / 32);
    }
  }

  @Test
  void readsNoMoreThanWhatIsWanted() {
    fill();
    prepare(5);
    assertThat(cow.log()).isEmpty();
    prepare(5 + 33);
    assertThat(cow.log()).hasSize(2);
    assertThat(batches.getLast().count()).isEqualTo(38);
    assertThat(batches.getLast().oldChunk(0)).isEqualTo(3L * (EXCEPTIONS - 38));
  }

  @Test
  void anAreaThatCannotBeReadEndsIt() {
    fill();
    cow.fault(io -> io.op() == Io.Op.READ ? IoError.of(IoError.Kind.IO, "a bad sector") : null);
    prepare(EXCEPTIONS);
    assertThat(batches).isEmpty();
    assertThat(Objects.requireNonNull(failure).message()).isEqualTo("a bad sector");
  }

  /** Sorting takes milliseconds, and others want the lock. */
  @Test
  void theBatchIsMadeWithoutTheLock() {
    fill();
    lock.enter();
    try {
      store.prepareMerge(5, (batch, error) -> batches.add(Objects.requireNonNull(batch)));
      assertThat(batches).isEmpty();
    } finally {
      lock.leave();
    }
    assertThat(batches).hasSize(1);
  }
}
