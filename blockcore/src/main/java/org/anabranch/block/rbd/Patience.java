// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls into librbd that may never return, since it waits for a cluster for as long as it takes.
 * Each gets a thread of its own; who asked waits a limited time. A call that returns later is taken
 * back. So many can hang at once, and further ones fail, whatever they are for.
 */
final class Patience {
  private static final Logger LOG = LoggerFactory.getLogger(Patience.class);

  private static final int MOST = 64;
  private static final Semaphore PLACES = new Semaphore(MOST);

  private Patience() {}

  /**
   * Makes a call and waits for its result.
   *
   * @param what the call in words, for its thread's name
   * @param late takes a result that came when nobody waited any more
   * @throws IOException the call's, or because it takes longer than {@code nanos}
   */
  static <T> T await(long nanos, String what, Callable<T> call, Consumer<T> late)
      throws IOException {
    CompletableFuture<T> result = start(what, call, late);
    try {
      boolean isLate = false;
      try {
        return result.get(nanos, TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        isLate = result.completeExceptionally(e);
      }
      if (isLate) {
        throw new IOException(
            "the Ceph cluster has not answered for "
                + TimeUnit.NANOSECONDS.toSeconds(nanos)
                + " s");
      }
      return result.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
    } catch (InterruptedException e) {
      result.completeExceptionally(e);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for the Ceph cluster");
    }
  }

  /**
   * Makes a call in the background.
   *
   * @param late takes its result if the future was completed otherwise before
   */
  static <T> CompletableFuture<T> start(String what, Callable<T> call, Consumer<T> late) {
    CompletableFuture<T> result = new CompletableFuture<>();
    if (!PLACES.tryAcquire()) {
      result.completeExceptionally(
          new IOException(MOST + " calls wait for the Ceph cluster already"));
      return result;
    }
    try {
      Thread.ofPlatform().daemon().name(what).start(() -> run(call, late, result));
    } catch (OutOfMemoryError e) { // the system has no thread to give
      PLACES.release();
      result.completeExceptionally(new IOException("no thread for a call to Ceph", e));
    }
    return result;
  }

  private static <T> void run(Callable<T> call, Consumer<T> late, CompletableFuture<T> result) {
    try {
      T value = call.call();
      if (!result.complete(value)) {
        late.accept(value);
      }
    } catch (Throwable e) {
      if (!result.completeExceptionally(e)) {
        LOG.debug("a call to Ceph failed when nobody waited for it any more", e);
      }
    } finally {
      PLACES.release();
    }
  }
}
