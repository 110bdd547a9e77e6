// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.file.Path;

/** How much of its disk a file takes, which for a sparse file is less than its length. */
public final class AllocatedSpace {
  private AllocatedSpace() {}

  /**
   * Bytes. Any thread; waits at most for the file's metadata.
   *
   * @throws IOException when the file is absent or cannot be looked at
   */
  public static long of(Path file) throws IOException {
    long sectors = Linux.allocatedSectors(file.toString());
    if (sectors < 0) {
      throw Linux.error(file + " cannot be looked at", (int) -sectors);
    }
    return sectors * 512;
  }
}
