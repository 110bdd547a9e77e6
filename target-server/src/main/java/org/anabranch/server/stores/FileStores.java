// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.StateDirectory;

/**
 * Stores that are files.
 *
 * @param folder theirs, which need not exist yet
 */
record FileStores(Path folder) implements StorePlace {
  @Override
  public boolean isThere(String store) {
    return Files.exists(Path.of(store), LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public long bytes(String store) throws RefusedException {
    try {
      return Files.size(Path.of(store));
    } catch (IOException e) {
      throw new RefusedException("store " + store + ": " + StateDirectory.reason(e), e);
    }
  }

  @Override
  public void refuseUnlessStore(String store, int chunkSectors) throws RefusedException {
    StoreFile.refuseUnlessStore(Path.of(store), chunkSectors);
  }

  @Override
  public long make(String store, long wanted, long least, DurableSteps steps)
      throws RefusedException {
    return StoreFile.make(Path.of(store), wanted, least, steps);
  }

  @Override
  public void delete(String store, DurableSteps steps) throws RefusedException {
    StoreFile.delete(Path.of(store), steps);
  }

  @Override
  public long free() throws RefusedException {
    try {
      Path there = Files.exists(folder) ? folder : Objects.requireNonNull(folder.getParent());
      return Files.getFileStore(there).getUsableSpace();
    } catch (IOException e) {
      throw new RefusedException("free space is unknown: " + StateDirectory.reason(e), e);
    }
  }

  @Override
  public String words() {
    return folder.toString();
  }
}
