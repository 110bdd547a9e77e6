// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.block.dm.TableException;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.anabranch.server.storage.Storage;

/** A configured volume. */
public record VolumeEntry(
    @Doc("as configured") String name,
    @Doc("the file, or where else its image is") String path,
    @Doc("served, left-out (see problems in status)") State state,
    @Doc("how long it is now; 0 when it is left out") long bytes,
    @Doc("dmsetup's table of it, lines separated by \\n; empty when it is left out") String table,
    @Doc("bytes") int blockSize,
    @Doc("as configured") boolean readOnly) {
  /** Whether initiators can use it. */
  public enum State {
    SERVED,
    LEFT_OUT
  }

  static VolumeEntry of(VolumeConfig volume, Storage storage) throws RefusedException {
    boolean leftOut = storage.leftOut().get(volume.name()) != null;
    try {
      return new VolumeEntry(
          volume.name(),
          volume.source().address(),
          leftOut ? State.LEFT_OUT : State.SERVED,
          leftOut ? 0 : storage.mapper().device(volume.name()).sectors() * 512,
          leftOut ? "" : storage.mapper().table(volume.name()).strip(),
          volume.blockSize(),
          volume.readOnly());
    } catch (TableException e) {
      throw new RefusedException("volume " + volume.name() + ": " + e.getMessage(), e);
    }
  }
}
