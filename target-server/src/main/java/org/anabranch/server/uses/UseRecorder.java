// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes {@link UseFile} on an executor of its own, one write for all changes that came meanwhile.
 * Any thread.
 */
final class UseRecorder {
  private static final Logger LOG = LoggerFactory.getLogger(UseRecorder.class);

  /**
   * The uses at one moment.
   *
   * @param version grows with each change
   */
  record Moment(long version, RecordedUses uses) {}

  private final UseFile file;
  private final Executor executor;
  private final Supplier<Moment> now;
  private final AtomicBoolean scheduled = new AtomicBoolean();

  /** The version that is on disk. */
  private volatile long written;

  /** Why the last write failed; null when it did not. */
  private volatile @Nullable String failure;

  /**
   * @param executor runs one task at a time, in order
   * @param written the version that is on disk already
   */
  UseRecorder(UseFile file, Executor executor, long written, Supplier<Moment> now) {
    this.file = file;
    this.executor = executor;
    this.written = written;
    this.now = now;
  }

  /** Completes when a version is durable; fails with a {@link RefusedException}. */
  CompletionStage<@Nullable Void> durable(long version) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    if (version <= written) {
      done.complete(null);
      return done;
    }
    try {
      executor.execute(() -> {
        try {
          if (version > written) {
            write();
          }
          done.complete(null);
        } catch (RefusedException e) {
          done.completeExceptionally(e);
        }
      });
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new RefusedException("the server is stopping", e));
    }
    return done;
  }

  /** Writes soon what has changed; nobody waits for it. */
  void soon() {
    if (!scheduled.compareAndSet(false, true)) {
      return;
    }
    try {
      executor.execute(() -> {
        scheduled.set(false);
        try {
          write();
        } catch (RefusedException e) {
          LOG.debug("tried again at the next change", e); // write has logged it
        }
      });
    } catch (RejectedExecutionException e) {
      LOG.debug("the server stops, which writes all of it", e);
    }
  }

  /** By the executor's thread, or when it runs no more. */
  void write() throws RefusedException {
    Moment moment = now.get();
    if (moment.version() <= written) {
      return;
    }
    try {
      file.write(moment.uses());
      written = moment.version();
      failure = null;
    } catch (IOException e) {
      String reason = file.path() + " cannot be written: " + StateDirectory.reason(e);
      if (failure == null) {
        LOG.error("{}; new initiators cannot log in until it can", reason);
      }
      failure = reason;
      throw new RefusedException(reason, e);
    }
  }

  /** Why the last write failed, or null. */
  @Nullable String failure() {
    return failure;
  }
}
