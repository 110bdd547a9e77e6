// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

/**
 * A device that is read and written in sectors of 512 bytes.
 *
 * <p>All methods may be called from any thread. Requests in flight at the same time have no order;
 * a request submitted after another one has completed sees its effect.
 */
public interface BlockDevice {
  /** The name used in messages and tables. */
  String name();

  /** Length in sectors. May grow while the device lives. */
  long sectors();

  /** What the device supports, and its block sizes. */
  Limits limits();

  /**
   * Takes ownership of {@code io} and completes it exactly once, now or later, on any thread. Never
   * blocks. Do not call it while holding a lock that a completion might take. A range beyond the
   * end of the device completes with {@link IoError.Kind#OUT_OF_RANGE}.
   */
  void submit(Io io);
}
