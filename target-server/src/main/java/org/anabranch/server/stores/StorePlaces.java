// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;

/**
 * The stores of snapshots, wherever they are. Where a new one is made follows from the volume and
 * the configuration; where one is follows from its address. Calls may wait.
 */
public final class StorePlaces {
  private final FileStores files;
  private final StrayStores strays;
  private final Function<String, @Nullable SharedImage> images;
  private final Supplier<@Nullable String> pool;
  private final Supplier<List<SnapshotState>> known;

  /**
   * @param images what the image of a volume is to several servers; null where it is none of that
   * @param pool of stores that several servers reach; null: they are files, too
   * @param known all snapshots, asked each time
   */
  public StorePlaces(
      StrayStores strays,
      Function<String, @Nullable SharedImage> images,
      Supplier<@Nullable String> pool,
      Supplier<List<SnapshotState>> known) {
    this.files = new FileStores(strays.folder());
    this.strays = strays;
    this.images = images;
    this.pool = pool;
    this.known = known;
  }

  private StorePlace of(String volume, String store) throws RefusedException {
    if (store.startsWith("/")) {
      return files;
    }
    SharedImage image = images.apply(volume);
    if (image == null) {
      throw new RefusedException("store " + store + ": volume " + volume + " is not open");
    }
    return new SharedStores(image);
  }

  /** Where the store of a new snapshot is made; nothing is made. */
  public String newStore(String volume, String snapshot) {
    String in = pool.get();
    SharedImage image = in == null ? null : images.apply(volume);
    if (in == null || image == null) {
      return strays.newStore(volume + "@" + snapshot);
    }
    Set<String> taken =
        known.get().stream()
            .flatMap(each -> each.stores().stream())
            .collect(Collectors.toUnmodifiableSet());
    String store = image.store(in, snapshot);
    for (int number = 2; taken.contains(store); number++) {
      store = image.store(in, snapshot + "." + number);
    }
    return store;
  }

  /** Nothing that is there already is taken for a new store, nor deleted as one. */
  public void refuseIfThere(String volume, String store) throws RefusedException {
    if (of(volume, store).isThere(store)) {
      throw new RefusedException(
          store
              + " exists and belongs to no snapshot: move it away, delete it, or name another"
              + " snapshot");
    }
  }

  /** How long a store is, bytes. */
  public long bytes(String volume, String store) throws RefusedException {
    return of(volume, store).bytes(store);
  }

  /** See {@link StoreFile#refuseUnlessStore}; also makes known whose store it is. */
  public void refuseUnlessStore(String volume, String store, int chunkSectors)
      throws RefusedException {
    of(volume, store).refuseUnlessStore(store, chunkSectors);
  }

  /** See {@link StoreFile#make}. */
  public long make(String volume, String store, long wanted, long least, DurableSteps steps)
      throws RefusedException {
    return of(volume, store).make(store, wanted, least, steps);
  }

  /** Deletes a store that nothing has open, durably; nothing happens when there is none. */
  public void delete(String volume, String store, DurableSteps steps) throws RefusedException {
    of(volume, store).delete(store, steps);
  }

  /** How many bytes are left for a store; {@link Long#MAX_VALUE} where no bound is known. */
  public long free(String volume, String store) throws RefusedException {
    return of(volume, store).free();
  }

  /** Where a store is, in words. */
  public String words(String volume, String store) throws RefusedException {
    return of(volume, store).words();
  }
}
