// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.server.base.ThreadStart;
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

  /** Each makes one call, since the image's storage may let it wait. */
  private static final ThreadFactory THREADS = Thread.ofVirtual().name("invalid store").factory();

  private final Function<String, @Nullable SharedImage> owners;
  private final InvalidStores others;

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
    return owner == null
        ? others.add(cow)
        : start(
            cow,
            () -> {
              record(owner, owner.common(cow.name()));
              LOG.warn("store {}: that it is invalid is kept with the volume's image", cow.name());
              return null;
            });
  }

  @Override
  public CompletionStage<Boolean> contains(BlockDevice cow) {
    SharedImage owner = owners.apply(cow.name());
    return owner == null
        ? others.contains(cow)
        : start(
            cow,
            () ->
                lines(owner.label(SharedImage.INVALID_STORES)).contains(owner.common(cow.name())));
  }

  private static <T extends @Nullable Object> CompletionStage<T> start(
      BlockDevice cow, Callable<T> call) {
    return ThreadStart.call(THREADS, cow.name(), call);
  }

  private static void record(SharedImage owner, String store) throws IOException {
    change(owner, before -> lines(before).contains(store) ? before : before + store + "\n");
  }

  /** A store is about to be deleted: a later one of the same name is another store. */
  public static void remove(SharedImage owner, String store) throws IOException {
    String name = owner.common(store);
    change(
        owner,
        before ->
            lines(before).stream()
                .filter(line -> !line.equals(name))
                .map(line -> line + "\n")
                .collect(Collectors.joining()));
  }

  /** Changes the record in one step; tries again when another change came in between. */
  private static void change(SharedImage owner, UnaryOperator<String> to) throws IOException {
    String before;
    String after;
    do {
      before = owner.label(SharedImage.INVALID_STORES);
      after = to.apply(before);
    } while (!after.equals(before)
        && !owner.exchangeHere(SharedImage.INVALID_STORES, before, after));
  }

  private static List<String> lines(String text) {
    return text.lines().toList();
  }
}
