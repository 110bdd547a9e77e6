// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts threads where the system may have none to give: a limit of the user ({@code ulimit -u}) or
 * of the control group ({@code pids.max}) is reached. Java then throws an OutOfMemoryError. That is
 * an error of what the thread was for, and of nothing else.
 */
public final class ThreadStart {
  /** What to do about it; for messages. */
  public static final String REMEDY =
      "the system has no more threads to give: see the limits of the user (ulimit -u) and of the"
          + " control group (TasksMax)";

  private static final Logger LOG = LoggerFactory.getLogger(ThreadStart.class);

  private ThreadStart() {}

  /**
   * Starts a thread.
   *
   * @return false, with the reason in the log, if there is none to be had; {@code work} never runs
   */
  public static boolean of(ThreadFactory factory, Runnable work) {
    try {
      factory.newThread(work).start();
      return true;
    } catch (OutOfMemoryError e) {
      LOG.error("a thread cannot be started ({}); {}", e.getMessage(), REMEDY);
      return false;
    }
  }

  /**
   * Makes a call on a thread of its own.
   *
   * @param what whose call it is, for the message
   * @return its end; fails with an {@link IOException} if there is no thread to be had
   */
  public static <T extends @Nullable Object> CompletionStage<T> call(
      ThreadFactory factory, String what, Callable<T> call) {
    CompletableFuture<T> done = new CompletableFuture<>();
    boolean started =
        of(
            factory,
            () -> {
              try {
                done.complete(call.call());
              } catch (Exception e) {
                done.completeExceptionally(e);
              }
            });
    if (!started) {
      done.completeExceptionally(new IOException(what + ": " + REMEDY));
    }
    return done;
  }
}
