// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.io.IOException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A device that stands on something outside, such as a file, and must be given back. */
public interface BackingDevice extends BlockDevice {
  /** What the device stands on: equal for two devices if, and only if, they would share storage. */
  Object identity();

  /**
   * Completes what is in flight, makes it durable and gives the storage back; requests that come
   * later end with {@link IoError.Kind#GONE}. A failure to make it durable fails the stage, after
   * the storage was given back. Calling it again gives the same stage.
   */
  CompletionStage<@Nullable Void> close();

  /**
   * Why writes are refused since something failed: one line, or null while nothing has failed and
   * after {@link #close}. Any thread.
   */
  default @Nullable String failure() {
    return null;
  }

  /**
   * That the storage was cut or taken away from outside, so that the device takes no changes: one
   * line that begins with the device's name. Null as long as it is whole. Any thread.
   */
  default @Nullable String trouble() {
    return null;
  }

  /**
   * Looks again at storage with {@link #trouble}, since somebody says that it was put right. May
   * block.
   *
   * @return whether the device takes changes now
   */
  default boolean putRight() throws IOException {
    return failure() == null && trouble() == null;
  }

  /**
   * Whether writes may need storage that the device does not have yet, as in a sparse file. May
   * wait for the file system.
   */
  default boolean isSparse() {
    return false;
  }
}
