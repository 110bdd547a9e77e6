// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/** Single requests to a store before its use; they fail with a {@link StoreException}. */
final class StoreIo {
  private StoreIo() {}

  /** Reads whole sectors; {@code what} describes them in the error message. */
  static CompletionStage<ByteBuffer> read(BlockDevice cow, long sector, int bytes, String what) {
    CompletableFuture<ByteBuffer> result = new CompletableFuture<>();
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    cow.submit(
        Io.read(
            sector,
            buffer,
            (io, error) -> {
              if (error == null) {
                result.complete(buffer);
              } else {
                result.completeExceptionally(
                    new StoreException("can't read " + what + ": " + error.message()));
              }
            }));
    return result;
  }

  /** Makes durable what anybody has written so far; what is wrong with that, or null. */
  static CompletionStage<@Nullable IoError> flush(BlockDevice cow) {
    CompletableFuture<@Nullable IoError> result = new CompletableFuture<>();
    cow.submit(Io.flush((io, error) -> result.complete(error)));
    return result;
  }

  /** Writes {@code data} durably. */
  static CompletionStage<@Nullable Void> write(
      BlockDevice cow, long sector, ByteBuffer data, String what) {
    CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
    cow.submit(
        Io.write(
            sector,
            data,
            true,
            (io, error) -> {
              if (error == null) {
                result.complete(null);
              } else {
                result.completeExceptionally(
                    new StoreException("can't write " + what + ": " + error.message()));
              }
            }));
    return result;
  }
}
