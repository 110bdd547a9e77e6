// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.base.RefusedException;

/** Waiting for the layers below, on threads that may wait. */
public final class Stages {
  /** How long a control operation may take before it is reported as hanging. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private Stages() {}

  /**
   * The stage's value.
   *
   * @param what begins the message of a refusal
   * @throws OverdueException when it did not end in a minute
   * @throws RefusedException when it failed
   */
  public static <T> T await(String what, CompletionStage<T> stage) throws RefusedException {
    return await(what, stage, PATIENCE);
  }

  /**
   * The same with another limit.
   *
   * @throws OverdueException when it did not end {@code within} this time
   */
  public static <T> T await(String what, CompletionStage<T> stage, Duration within)
      throws RefusedException {
    try {
      return stage.toCompletableFuture().get(Math.max(within.toNanos(), 0), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() instanceof CompletionException c ? c.getCause() : e.getCause();
      throw new RefusedException(what + ": " + reason(cause == null ? e : cause), e);
    } catch (TimeoutException e) {
      throw new OverdueException(
          what
              + ": not done after "
              + within.toSeconds()
              + " s; it goes on: a disk may hang, or a device may be suspended (see status)",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(what + ": interrupted", e);
    }
  }

  private static String reason(Throwable cause) {
    return cause instanceof TableException || cause instanceof java.io.IOException
        ? String.valueOf(cause.getMessage())
        : cause.toString();
  }
}
