// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.CowArguments.Persistence;
import org.anabranch.block.store.ChunkSize;
import org.anabranch.block.store.ExceptionStore;
import org.anabranch.block.store.PersistentStore;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.block.store.TransientStore;

/** Creates the store for a table's arguments. */
final class CowStores {
  private static final String BAD_STORE = "Couldn't create exception store";

  private CowStores() {}

  /**
   * Creates a store, to be loaded.
   *
   * @param lock the lock of the origin's group
   * @throws TableException if the chunk size does not fit the devices
   */
  static ExceptionStore make(
      CowArguments arguments, BlockDevice origin, BlockDevice cow, DeferringLock lock)
      throws TableException {
    Limits cowLimits = cow.limits();
    boolean isTransient = arguments.persistence() == Persistence.N;
    int chunk = arguments.chunkSectors();
    if (chunk == 0) {
      if (isTransient) {
        throw new TableException("Chunk size not set");
      }
      chunk = ChunkSize.byDefault(cowLimits);
    }
    String wrong = ChunkSize.wrong(chunk, cowLimits, origin.limits());
    if (wrong != null) {
      throw new TableException(BAD_STORE + ": chunk of " + chunk + " sectors: " + wrong);
    }
    return isTransient
        ? new TransientStore(cow, lock, chunk)
        : new PersistentStore(
            cow,
            lock,
            new StoreLayout(chunk),
            arguments.chunkSectors() == 0,
            arguments.overflows());
  }
}
