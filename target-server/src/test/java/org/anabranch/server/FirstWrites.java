// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.anabranch.initiator.Disk;
import org.jspecify.annotations.Nullable;

/**
 * A burst of writes to blocks that a new snapshot has no copies of. With a write cache the first
 * ones are answered from its ring while the copies of all of them are still being made, so a kill
 * soon after an answer finds the ring full. Some blocks are written again as soon as their first
 * write was answered: a replay must keep the order of both.
 */
final class FirstWrites {
  /** A second write follows one of so many. */
  private static final int AGAIN = 3;

  private static final long PATIENCE_SECONDS = 60;

  private final KillModel model;
  private final Disk disk;
  private final Random random;

  // All below, and the model, are guarded by this while the burst is under way.
  private int untilKill;
  private int left;
  private @Nullable Throwable failure;
  private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();

  /** {@code random} is for this burst alone. */
  FirstWrites(KillModel model, Disk disk, Random random) {
    this.model = model;
    this.disk = disk;
    this.random = random;
  }

  /**
   * Sends the writes, and waits until each is answered or has failed.
   *
   * @param count blocks, each of them once
   * @param answers the answers before the kill
   * @param kill called once, after so many answers
   */
  void send(int count, int answers, Runnable kill) throws Exception {
    List<Integer> blocks = new ArrayList<>(IntStream.range(0, KillModel.BLOCKS).boxed().toList());
    Collections.shuffle(blocks, random);
    synchronized (this) {
      untilKill = answers;
      left = count;
      blocks.subList(0, count).forEach(block -> write(block, true, kill));
    }
    end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    Throwable cause = failure;
    if (cause != null) {
      throw new Exception("a write failed", cause);
    }
  }

  private synchronized void write(int block, boolean first, Runnable kill) {
    int generation = model.newGeneration();
    model.sent("vm1", block, generation);
    ByteBuffer data = KillModel.block(block, generation);
    var _ =
        disk.write(block * 8L, data)
            .whenComplete((done, error) -> answered(block, generation, first, error, kill));
  }

  private synchronized void answered(
      int block, int generation, boolean first, @Nullable Throwable error, Runnable kill) {
    if (error == null) {
      model.answered("vm1", block, generation);
      untilKill--;
      if (untilKill == 0) {
        kill.run();
      }
      if (first && random.nextInt(AGAIN) == 0) {
        write(block, false, kill);
        return;
      }
    } else {
      failure = error;
    }
    left--;
    if (left == 0) {
      end.complete(null);
    }
  }
}
