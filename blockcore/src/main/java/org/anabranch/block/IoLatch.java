// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Waits for one request to complete. Only for threads that may block, such as those of a command
 * line or a test; never for an event loop, a scheduler or a completion.
 *
 * <pre>{@code
 * IoLatch.await(device, latch -> Io.read(0, buffer, latch));
 * }</pre>
 */
public final class IoLatch implements IoCompletion {
  /** Creates the request. */
  @FunctionalInterface
  public interface Request {
    /** Returns the request, with {@code done} as its completion. */
    Io make(IoCompletion done);
  }

  private final CountDownLatch ended = new CountDownLatch(1);

  /** Written once, before {@link #ended} is counted down. */
  private @Nullable IoError error;

  /**
   * Submits a request and waits for its end.
   *
   * @return the completed request, with its answer if it has one
   * @throws IOException the request failed
   * @throws InterruptedIOException the thread was interrupted, and its interrupt flag stays set;
   *     the request is still in flight and uses its buffer
   */
  public static Io await(BlockDevice device, Request request) throws IOException {
    IoLatch latch = new IoLatch();
    Io io = request.make(latch);
    device.submit(io);
    latch.await();
    return io;
  }

  /** Waits until the request with this completion has completed. */
  public void await() throws IOException {
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for a request");
    }
    IoError failure = error;
    if (failure != null) {
      throw failure.toException();
    }
  }

  @Override
  public void completed(Io io, @Nullable IoError ioError) {
    error = ioError;
    ended.countDown();
  }
}
