// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.file.LoopOfTest;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A write that has waited for a copy goes on with the event loop that it came from, whatever thread
 * has made the copy durable: there it needs no thread of the file.
 */
@Timeout(60)
final class ReleasedWritesTest {
  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 512).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);
  private final List<Thread> writers = new CopyOnWriteArrayList<>();

  private CompletableFuture<@Nullable Void> write(BlockDevice device, Thread from, long sector) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    Io write =
        Io.write(sector, Bench.pattern('a', sector, 8), false, (io, error) -> done.complete(null));
    if (from instanceof LoopOfTest loop) {
      assertThat(loop.execute(() -> device.submit(write))).isTrue();
    } else {
      device.submit(write);
    }
    return done;
  }

  /** With a snapshot below that has nothing yet, and whose store holds what it gets. */
  private BlockDevice lun() throws TableException {
    bench.add(origin, cow);
    bench.create("snap", "0 512 snapshot origin cow P 8");
    BlockDevice lun = bench.create("lun", "0 512 snapshot-origin origin");
    cow.hold();
    return lun;
  }

  @Test
  void writeGoesOnWithItsLoop() throws Exception {
    BlockDevice lun = lun();
    origin.fault(io -> {
      if (io.op() == Io.Op.WRITE) {
        writers.add(Thread.currentThread());
      }
      return null;
    });
    try (LoopOfTest loop = new LoopOfTest()) {
      var first = write(lun, loop, 0);
      cow.awaitHeld(1);
      var second = write(lun, Thread.currentThread(), 80);
      cow.awaitHeld(2);
      cow.letGo(); // so this thread commits both
      first.get(30, TimeUnit.SECONDS);
      second.get(30, TimeUnit.SECONDS);
      assertThat(writers).containsExactlyInAnyOrder(loop, Thread.currentThread());
    }
  }

  @Test
  void writeOfALoopThatHasEndedGoesOnAnyhow() throws Exception {
    BlockDevice lun = lun();
    try (LoopOfTest loop = new LoopOfTest()) {
      var write = write(lun, loop, 0);
      cow.awaitHeld(1);
      loop.end();
      cow.letGo();
      write.get(30, TimeUnit.SECONDS);
    }
  }
}
