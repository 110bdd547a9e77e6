// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import org.anabranch.server.base.RefusedException;

/** Makes the volumes that streams are imported into when there are none. Any thread. */
public interface NewVolumes {
  /** Whether there is a volume of that name: served, left out, or being made. */
  boolean hasVolume(String name);

  /**
   * Refuses a volume that could not be made, because of its name or its image for instance.
   *
   * @param bytes its size
   * @param blockSize of its disk, bytes
   */
  void prepare(String name, long bytes, int blockSize) throws RefusedException;

  /**
   * Makes an empty volume, which is served when this returns. When it is refused, there is none, or
   * {@link #hasVolume} says that the next start has to end what could not be taken back.
   */
  void make(String name, long bytes, int blockSize) throws RefusedException;
}
