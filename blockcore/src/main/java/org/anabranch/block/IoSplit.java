// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Carries one request out in pieces: completes it when all pieces have completed, with the first
 * error that any of them met. Pieces are cut by one thread, and {@link #cut} ends the cutting; they
 * may complete on any thread, before or after that.
 */
public final class IoSplit implements IoCompletion {
  private final Io parent;
  private final AtomicInteger pieces = new AtomicInteger(1);
  private final AtomicReference<@Nullable IoError> error = new AtomicReference<>();

  public IoSplit(Io parent) {
    this.parent = parent;
  }

  /** A piece of {@code count} sectors, {@code offset} sectors into the parent. */
  public Io piece(long offset, long count) {
    pieces.incrementAndGet();
    return parent.slice(offset, count, this);
  }

  /** All pieces have been cut. The parent may complete inside this call. */
  public void cut() {
    ended(null);
  }

  @Override
  public void completed(Io piece, @Nullable IoError pieceError) {
    ended(pieceError);
  }

  private void ended(@Nullable IoError pieceError) {
    if (pieceError != null) {
      error.compareAndSet(null, pieceError);
    }
    if (pieces.decrementAndGet() == 0) {
      parent.complete(error.get());
    }
  }
}
