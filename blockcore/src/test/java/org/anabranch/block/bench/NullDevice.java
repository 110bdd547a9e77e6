// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;

/** A disk that does everything at once, and reads as zeros: buffers are zero as they are. */
record NullDevice(String name, long sectors) implements BlockDevice {
  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public void submit(Io io) {
    io.complete(null);
  }
}
