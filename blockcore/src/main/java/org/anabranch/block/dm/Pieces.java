// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * A request that was split at target borders. It completes when all pieces have, with the error of
 * the failed piece that has the lowest sector.
 */
final class Pieces implements IoCompletion {
  private final Io whole;

  /** The number of pieces not completed yet. */
  @GuardedBy("this")
  private int left;

  @GuardedBy("this")
  private @Nullable IoError error;

  /** The offset of {@link #error}'s piece in the request. */
  @GuardedBy("this")
  private long errorAt = Long.MAX_VALUE;

  /** Creates a request that will be split into {@code count} pieces. */
  Pieces(Io whole, int count) {
    this.whole = whole;
    this.left = count;
  }

  /** The piece of {@code count} sectors at {@code offset} of the request. */
  Io next(long offset, long count) {
    return whole.slice(offset, count, this);
  }

  @Override
  public void completed(Io piece, @Nullable IoError pieceError) {
    IoError result;
    synchronized (this) {
      if (pieceError != null && (error == null || piece.sector() < errorAt)) {
        error = pieceError;
        errorAt = piece.sector();
      }
      if (--left > 0) {
        return;
      }
      result = error;
    }
    whole.complete(result);
  }
}
