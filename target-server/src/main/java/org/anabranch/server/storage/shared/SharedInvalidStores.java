// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.InvalidStores;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records which stores are invalid when their own header cannot be written. The record of a store
 * that other servers reach is carried by the image that it belongs to, so that the snapshot is
 * invalid there, too. A server that was shut out cannot make that record: the snapshot is then as
 * it was for the server that has the volume. Any thread.
 */
public final class SharedInvalidStores implements InvalidStores {
  private static final Logger LOG = LoggerFactory.getLogger(SharedInvalidStores.class);

  private final Function<String, @Nullable SharedImage> owners;
  private final InvalidStores others;

  /** One record at a time: it is read, and written with one more line. */
  private final Object lock = new Object();

  /**
   * @param owners the image that a store belongs to, by its address; null when it is of no such
   *     image
   * @param others for the stores of no such image
   */
  public SharedInvalidStores(Function<String, @Nullable SharedImage> owners, InvalidStores others) {
    this.owners = owners;
    this.others = others;
  }

  @Override
  public CompletionStage<@Nullable Void> add(BlockDevice cow) {
    SharedImage owner = owners.apply(cow.name());
    if (owner == null) {
      return others.add(cow);
    }
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("invalid store")
        .start(() -> {
          try {
            record(owner, owner.common(cow.name()));
            LOG.warn("store {}: that it is invalid is kept with the volume's image", cow.name());
            done.complete(null);
          } catch (IOException | RuntimeException e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  private void record(SharedImage owner, String store) throws IOException {
    synchronized (lock) {
      String before = owner.label(SharedImage.INVALID_STORES);
      if (!lines(before).contains(store)) {
        owner.label(SharedImage.INVALID_STORES, before + store + "\n");
      }
    }
  }

  private static List<String> lines(String text) {
    return text.lines().toList();
  }

  @Override
  public boolean contains(BlockDevice cow) throws IOException {
    SharedImage owner = owners.apply(cow.name());
    return owner == null
        ? others.contains(cow)
        : lines(owner.label(SharedImage.INVALID_STORES)).contains(owner.common(cow.name()));
  }

  /** A store is about to be deleted: a later one of the same name is another store. */
  public static void remove(SharedImage owner, String store) throws IOException {
    String before = owner.label(SharedImage.INVALID_STORES);
    if (lines(before).contains(owner.common(store))) {
      StringBuilder left = new StringBuilder();
      for (String line : lines(before)) {
        if (!line.equals(owner.common(store))) {
          left.append(line).append('\n');
        }
      }
      owner.label(SharedImage.INVALID_STORES, left.toString());
    }
  }
}
