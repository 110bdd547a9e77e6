// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Splits one request into pieces and completes it when all pieces have completed, with the first
 * error among them. One thread creates the pieces and then calls {@link #cut}; pieces may complete
 * on any thread, before or after that call.
 */
public final class IoSplit implements IoCompletion {
  private final Io parent;
  private final AtomicInteger pieces = new AtomicInteger(1);
  private final AtomicReference<@Nullable IoError> error = new AtomicReference<>();

  public IoSplit(Io parent) {
    this.parent = parent;
  }

  /**
   * Passes a request on in pieces of at most {@code most} sectors, in their order; as it is, if it
   * is not longer.
   *
   * @param next takes each piece; it may complete it at once
   */
  public static void divide(Io io, long most, Consumer<Io> next) {
    if (io.sectors() <= most) {
      next.accept(io);
      return;
    }
    IoSplit split = new IoSplit(io);
    for (long at = 0; at < io.sectors(); at += most) {
      next.accept(split.piece(at, Math.min(most, io.sectors() - at)));
    }
    split.cut();
  }

  /** A piece of {@code count} sectors, {@code offset} sectors into the parent. */
  public Io piece(long offset, long count) {
    pieces.incrementAndGet();
    return parent.slice(offset, count, this);
  }

  /** Ends the list of pieces. The parent may complete inside this call. */
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
