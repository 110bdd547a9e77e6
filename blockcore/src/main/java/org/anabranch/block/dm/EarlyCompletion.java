// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A layer above a {@link MappedDevice} that may complete writes to its users before the device has
 * completed them. The device's life-cycle steps call both methods, one at a time.
 */
public interface EarlyCompletion {
  /**
   * Completes no write early from now on. Requests go on to the device. Done when every write that
   * was completed early has ended in the device. A second call before {@link #release} is allowed.
   */
  CompletionStage<@Nullable Void> hold();

  /** Done when every write that was completed early until now has ended in the device. */
  CompletionStage<@Nullable Void> drain();

  /** May complete writes early again. */
  void release();
}
