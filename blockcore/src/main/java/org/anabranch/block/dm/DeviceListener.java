// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/**
 * Is told what happens to a mapped device: see {@link MappedDevice#listen}. Both methods are called
 * by the mapper's {@link org.anabranch.block.Scheduler}, one at a time for each listener, with no
 * lock held, and must not block.
 */
public interface DeviceListener {
  /**
   * The event number has risen: a merge has ended or failed, a snapshot has become invalid or has
   * overflowed, or another twentieth of a store is in use. Several events may be reported at once,
   * so look at the targets' state.
   *
   * @param number the device's event number
   */
  void event(long number);

  /** The device has been removed, or this listener was added when it was; the last call. */
  default void removed() {}
}
