// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

/**
 * Something that can be read and written by sectors of 512 bytes.
 *
 * <p>All methods may be called from any thread. Requests in flight at the same time are not ordered
 * among each other; a request submitted after another one's completion sees its effect.
 */
public interface BlockDevice {
  /** A name for messages and tables. */
  String name();

  /** Length in sectors. May grow while the device lives. */
  long sectors();

  /** What the device can do, and in which units it likes to be used. */
  Limits limits();

  /**
   * Takes over {@code io} and completes it exactly once, here or later, on this thread or another.
   * Never blocks. Never call it with a lock held that a completion might want. A range beyond the
   * end completes with {@link IoError.Kind#OUT_OF_RANGE}.
   */
  void submit(Io io);
}
