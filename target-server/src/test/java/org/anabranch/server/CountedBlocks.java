// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;

/** A writer that counts up each of its blocks, while something happens to what keeps them. */
final class CountedBlocks {
  private static final int PLACES = 64;
  private static final long APART = 500;
  private static final int BLOCKS = 8;

  /** What happens. */
  interface Event {
    void run() throws Exception;
  }

  private final Disk disk;
  private final int[] acknowledged;
  private int value;

  /** Nothing is written yet. */
  CountedBlocks(Disk disk) {
    this(disk, new int[PLACES]);
  }

  /** These are written, as {@link #acknowledged} has said. */
  CountedBlocks(Disk disk, int[] acknowledged) {
    this.disk = disk;
    this.acknowledged = acknowledged.clone();
  }

  /** What each has now. */
  int[] acknowledged() {
    return acknowledged.clone();
  }

  /** Writes until the event is over, which begins under load. Every write must succeed. */
  void writeDuring(Event event) throws Exception {
    CountDownLatch underLoad = new CountDownLatch(3);
    CompletableFuture<Void> over =
        CompletableFuture.runAsync(() -> {
          try {
            if (!underLoad.await(60, TimeUnit.SECONDS)) {
              throw new IllegalStateException("nothing was written");
            }
            event.run();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
    while (!over.isDone()) {
      writeAll();
      underLoad.countDown();
    }
    over.get(60, TimeUnit.SECONDS);
  }

  /** Writes all of them once. */
  void writeAll() throws Exception {
    value++;
    CompletableFuture<?>[] writes = new CompletableFuture<?>[PLACES];
    for (int i = 0; i < PLACES; i++) {
      writes[i] = disk.write(i * APART, RemoteVolumeTest.blocks(BLOCKS, (value + i) & 0x7f));
    }
    for (int i = 0; i < PLACES; i++) {
      Initiator.await(writes[i], 60);
      acknowledged[i] = (value + i) & 0x7f;
    }
  }

  /** Reads all: each has what was acknowledged last. */
  void verify() throws Exception {
    for (int i = 0; i < PLACES; i++) {
      assertThat(Initiator.await(disk.read(i * APART, BLOCKS), 60).rewind())
          .as("place %d", i)
          .isEqualTo(RemoteVolumeTest.blocks(BLOCKS, acknowledged[i]));
    }
  }
}
