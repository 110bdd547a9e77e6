// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletionStage;

/** A device that can grow on demand. Any thread. */
public interface Extendable extends BlockDevice {
  /**
   * Asks for a device longer than {@code sectors}. Does not block. Calls made while the device is
   * being extended share one result.
   *
   * @return whether the device is now longer than {@code sectors}; never fails. If not, the reason
   *     has been logged, and asking again is useless until something changes
   */
  CompletionStage<Boolean> extendBeyond(long sectors);
}
