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
 * <p>Life cycle: {@link TargetType#create}, then any number of rounds of {@code preresume, resume,
 * presuspend, postsuspend}, then {@link #close}. The life-cycle calls of a device come one at a
 * time. {@link #map} is called from any thread between {@code resume} and {@code postsuspend}, and
 * never while the device is suspended.
 */
public interface Target {
  /**
   * Takes ownership of {@code io} and completes it exactly once, as {@link
   * org.anabranch.block.BlockDevice#submit} does; usually by submitting it to a device below, at
   * another sector. Its sector is relative to the target's start, and its range lies within the
   * target.
   */
  void map(Io io);

  /**
   * Whether a write to these sectors would wait for more than the devices below if it came now: for
   * a copy that a snapshot needs, or for a merge. The answer may be out of date when the write
   * comes. Any thread; {@code sector} is relative to the target's start.
   */
  default boolean delaysWrite(long sector, long sectors) {
    return false;
  }

  /**
   * Whether a write that has waited in this target may be refused by it, as by a snapshot whose
   * store is full; not whether a device may fail. Any thread.
   */
  default boolean mayRefuse() {
    return false;
  }

  /**
   * Whether a write to these sectors that was mapped just now, and may be waiting, is one that this
   * target will not refuse any more: it has all the space that it needs. Any thread.
   */
  default boolean hasAccepted(long sector, long sectors) {
    return true;
  }

  /** Checks and prepares what requests need; a failure fails the resume. */
  default CompletionStage<@Nullable Void> preresume() {
    return CompletableFuture.completedFuture(null);
  }

  /** Requests flow from now on. */
  default void resume() {}

  /** The device is about to be suspended. Stops background work; completes when it has stopped. */
  default CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
    return CompletableFuture.completedFuture(null);
  }

  /** All requests have completed; none arrives before the next resume. */
  default void postsuspend() {}

  /** Releases everything that the target holds. A suspend has stopped its background work. */
  default CompletionStage<@Nullable Void> close() {
    return CompletableFuture.completedFuture(null);
  }

  /** The limits of this target, which depend on those of the devices below. */
  Limits limits();

  /** The target's part of the status line, as dmsetup prints it; "" if there is none. */
  default String status() {
    return "";
  }

  /**
   * The target as a table describes it, with the current names of its devices and with values that
   * it found out, such as the chunk size of a store. Any thread.
   */
  TargetSpec spec();

  /**
   * Handles {@code dmsetup message}.
   *
   * @return the reply, "" if there is none
   * @throws TableException if it is refused
   */
  default CompletionStage<String> message(java.util.List<String> words) throws TableException {
    throw new TableException("unknown message: " + words);
  }
}
