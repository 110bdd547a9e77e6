// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import org.anabranch.server.base.RefusedException;

/** How far a file may grow. Any thread, which may wait. */
@FunctionalInterface
public interface Growth {
  /**
   * The next length of a file.
   *
   * @param bytes its length
   * @return more than that
   * @throws RefusedException why it stays as it is
   */
  long next(long bytes) throws RefusedException;
}
