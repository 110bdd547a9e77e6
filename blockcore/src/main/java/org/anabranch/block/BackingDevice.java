// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.io.IOException;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;

/** A device backed by storage outside the process, such as a file, that must be closed. */
public interface BackingDevice extends BlockDevice {
  /** Identifies the storage. Two devices with equal identities would share it. */
  Object identity();

  /**
   * Completes the requests in flight, makes their data durable and closes the storage. Later
   * requests fail with {@link IoError.Kind#GONE}. If the data cannot be made durable, the storage
   * is closed all the same and the stage fails. Further calls return the same stage.
   */
  CompletionStage<@Nullable Void> close();

  /**
   * Why writes have been refused since a failure, as one line; null if nothing has failed, and
   * after {@link #close}. Any thread.
   */
  default @Nullable String failure() {
    return null;
  }

  /**
   * A warning that the storage was truncated or removed from outside, so that the device accepts no
   * changes: one line that starts with the device's name. Null while it is intact. Any thread.
   */
  default @Nullable String trouble() {
    return null;
  }

  /**
   * Checks storage with {@link #trouble} again, after somebody has repaired it. May block.
   *
   * @return whether the device accepts changes now
   */
  default boolean putRight() throws IOException {
    return failure() == null && trouble() == null;
  }

  /**
   * That writes have failed, and how the last one did, as one line; null when none has, and when
   * each of those places has been written after all. Any thread.
   */
  default @Nullable String failedWrites() {
    return null;
  }

  /** Ends {@link #failedWrites}, since somebody has looked after it; whether there were any. */
  default boolean forgetFailedWrites() {
    return false;
  }

  /**
   * Why requests wait or fail now although the storage may come back by itself, as one line; null
   * while it answers. Any thread.
   */
  default @Nullable String interruption() {
    return null;
  }

  /**
   * Why all requests fail until the device is opened again, because the storage belongs to somebody
   * else now, as one line; null while it is ours. Any thread.
   */
  default @Nullable String departure() {
    return null;
  }

  /** What the device counts; null if it does not. Any thread. */
  default @Nullable Counts counts() {
    return null;
  }

  /**
   * Whether a write may need storage that the device does not have yet, as in a sparse file. May
   * block on the file system.
   */
  default boolean isSparse() {
    return false;
  }
}
