// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.storage.shared.SharedImage;

/**
 * Stores that other servers of the volume reach, too.
 *
 * @param image the volume's
 */
record SharedStores(SharedImage image) implements StorePlace {
  private interface Call<T> {
    T make() throws IOException;
  }

  private static <T> T call(String store, Call<T> call) throws RefusedException {
    try {
      return call.make();
    } catch (IOException e) {
      throw new RefusedException("store " + store + ": " + e.getMessage(), e);
    }
  }

  @Override
  public boolean isThere(String store) throws RefusedException {
    return call(store, () -> image.bytes(store)) >= 0;
  }

  @Override
  public long bytes(String store) throws RefusedException {
    long bytes = call(store, () -> image.bytes(store));
    if (bytes < 0) {
      throw new RefusedException("store " + store + " is missing");
    }
    return bytes;
  }

  @Override
  public void refuseUnlessStore(String store, int chunkSectors) throws RefusedException {
    if (!isThere(store)) {
      throw new RefusedException("store " + store + " is missing");
    }
    ByteBuffer header = call(store, () -> image.begin(store, StoreFile.HEADER));
    StoreFile.refuseUnlessHeader(store, header, chunkSectors);
  }

  @Override
  public long make(String store, long wanted, long least, DurableSteps steps)
      throws RefusedException {
    long made =
        call(
            store,
            () -> {
              image.make(store, wanted);
              return wanted;
            });
    steps.taken("store written");
    return made;
  }

  @Override
  public void delete(String store, DurableSteps steps) throws RefusedException {
    steps.taken(
        call(
            store,
            () -> {
              image.delete(store);
              return "store deleted";
            }));
  }

  @Override
  public long free() {
    return Long.MAX_VALUE;
  }

  @Override
  public String words() {
    return "the cluster";
  }
}
