// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;

/**
 * A device on top of another one, which passes everything on. Subclasses change what happens to
 * requests.
 */
public abstract class FilterDevice implements BlockDevice {
  /** The device below. */
  protected final BlockDevice below;

  protected FilterDevice(BlockDevice below) {
    this.below = below;
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public long sectors() {
    return below.sectors();
  }

  @Override
  public Limits limits() {
    return below.limits();
  }

  @Override
  public void submit(Io io) {
    below.submit(io);
  }
}
