// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/**
 * Records which stores are invalid when their own header cannot be written. Without this record, a
 * snapshot that has lost data would look valid after a restart and return the origin's new data.
 * Any thread.
 */
public interface InvalidStores {
  /** Keeps no record: the origin is written all the same, as in Linux. */
  InvalidStores NOT_KEPT =
      new InvalidStores() {
        @Override
        public CompletionStage<@Nullable Void> add(BlockDevice cow) {
          return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Boolean> contains(BlockDevice cow) {
          return CompletableFuture.completedFuture(false);
        }
      };

  /**
   * Records that a store is invalid. Does not block.
   *
   * @return completes when the record is durable; the origin is then written without a copy. Fails
   *     if the record cannot be made; writes to the origin then fail as long as the snapshot exists
   */
  CompletionStage<@Nullable Void> add(BlockDevice cow);

  /**
   * Whether the store is recorded as invalid. Called when a store is loaded. Does not block.
   *
   * @return fails when the record cannot be read; the store is then not loaded
   */
  CompletionStage<Boolean> contains(BlockDevice cow);
}
