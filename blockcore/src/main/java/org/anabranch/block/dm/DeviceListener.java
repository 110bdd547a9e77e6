// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/**
 * Receives the events of a mapped device: see {@link MappedDevice#listen}. The mapper's {@link
 * org.anabranch.block.Scheduler} calls both methods, one at a time for each listener, with no lock
 * held. They must not block.
 */
public interface DeviceListener {
  /**
   * The event number has risen: a merge has ended or failed, a snapshot has become invalid or has
   * overflowed, or another 5 % of a store is in use. One call may report several events, so check
   * the state of the targets.
   *
   * @param number the device's event number
   */
  void event(long number);

  /**
   * The device has been removed, possibly before this listener was added. This is the last call.
   */
  default void removed() {}
}
