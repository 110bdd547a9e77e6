// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/**
 * Where it is kept that a store is invalid, when its own header can't be made to say so: without
 * it, a snapshot that lost what it had would come back after a restart, with what the origin holds
 * by then. Any thread.
 */
public interface InvalidStores {
  /** Nobody keeps it: the origin goes on all the same, as under Linux. */
  InvalidStores NOT_KEPT =
      new InvalidStores() {
        @Override
        public CompletionStage<@Nullable Void> add(BlockDevice cow) {
          return CompletableFuture.completedFuture(null);
        }

        @Override
        public boolean contains(BlockDevice cow) {
          return false;
        }
      };

  /**
   * Keeps it. Does not block.
   *
   * @return done when it is durable: then the origin is written without a copy. Fails when it can't
   *     be kept: then writes to the origin fail as long as the snapshot is there
   */
  CompletionStage<@Nullable Void> add(BlockDevice cow);

  /** Whether it was kept. Asked when a store is loaded; may read a file. */
  boolean contains(BlockDevice cow);
}
