// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A device whose storage several servers can reach, and one of them may use at a time. It is open
 * all the time; what it does depends on its {@link Tenure}. Any thread.
 */
public interface SharedDevice extends ResizableDevice {
  /** Whether this process has the storage now. */
  Tenure tenure();

  /**
   * Tells of each change of the tenure from now on, in order. The listener may be called on any
   * thread and must not block.
   */
  void onTenure(Consumer<Tenure> listener);

  /** What is to be done when this process has got the storage, before the tenure is active. */
  @FunctionalInterface
  interface Preparation {
    /**
     * Prepares; may wait. Until {@code open} is run, requests to this device fail as before.
     *
     * @param open lets requests through to the storage
     * @throws Exception with a message of one line; the storage is given back
     */
    void prepare(Runnable open) throws Exception;
  }

  /** Has something done each time this process gets the storage, but for the first open. */
  void beforeActive(Preparation preparation);

  /**
   * Takes the storage from whichever server has it, and shuts that one out first. Nothing happens
   * when this process has it already.
   *
   * <p>Fails with an {@link java.io.IOException} of one line; the tenure then stays.
   */
  CompletionStage<@Nullable Void> takeOver();
}
