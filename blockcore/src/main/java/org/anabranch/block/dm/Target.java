// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * One row of a table: maps the requests for a range of a mapped device. An instance belongs to one
 * table of one device.
 *
 * <p>Life: constructed ({@link TargetType#create}), then any number of {@code preresume, resume,
 * presuspend, postsuspend} rounds, then {@link #close}. The life-cycle calls of a device come one
 * at a time; {@link #map} comes from any thread, between resume and postsuspend (writes and
 * flushes) and is not called while suspended.
 */
public interface Target {
  /**
   * Takes over {@code io} and completes it exactly once, as {@link
   * org.anabranch.block.BlockDevice#submit} does; usually by remapping and submitting it to a
   * device below. Its sector is relative to the target's begin, its range lies inside the target.
   */
  void map(Io io);

  /** Checks and prepares what must hold before requests flow; a failure fails the resume. */
  default CompletionStage<@Nullable Void> preresume() {
    return CompletableFuture.completedFuture(null);
  }

  /** Requests flow from here on. */
  default void resume() {}

  /**
   * The device is about to be suspended: background work stops; done when it has. With {@code
   * noflush} the caller does not want queued requests flushed out.
   */
  default CompletionStage<@Nullable Void> presuspend(boolean noflush) {
    return CompletableFuture.completedFuture(null);
  }

  /** All requests have completed; none comes until the next resume. */
  default void postsuspend() {}

  /** Releases all that the target holds. A suspend has stopped background work before. */
  default CompletionStage<@Nullable Void> close() {
    return CompletableFuture.completedFuture(null);
  }

  /** The limits of this target, given those of the devices below it. */
  Limits limits();

  /** The status line's part behind the type, as dmsetup prints it; "" if there is none. */
  default String status() {
    return "";
  }

  /**
   * What this target is, as a table describes it: with the names that its devices have now, and
   * with what it found out of the arguments, such as the chunk size of a store. Any thread.
   */
  TargetSpec spec();

  /** Handles {@code dmsetup message}; the reply, "" if none. Refuses with what is wrong. */
  default CompletionStage<String> message(java.util.List<String> words) {
    return CompletableFuture.failedFuture(new TableException("unknown message: " + words));
  }
}
