// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletionStage;

/** A device that can grow on demand. Any thread. */
public interface Extendable extends BlockDevice {
  /**
   * Asks for a device longer than {@code sectors}. Does not block. Whoever asks while it is being
   * extended shares the answer.
   *
   * @return whether the device is longer than {@code sectors} now; never fails. After a no, the
   *     reason was logged, and asking again is no use until something changes
   */
  CompletionStage<Boolean> extendBeyond(long sectors);
}
