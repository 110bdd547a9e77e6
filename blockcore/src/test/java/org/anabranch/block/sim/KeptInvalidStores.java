// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.InvalidStores;
import org.jspecify.annotations.Nullable;

/** Which disks are said to hold invalid stores, kept elsewhere: durable once it has been said. */
final class KeptInvalidStores implements InvalidStores {
  private final Set<String> names;
  private final SimScheduler scheduler;

  KeptInvalidStores(SimScheduler scheduler) {
    this(scheduler, Set.of());
  }

  private KeptInvalidStores(SimScheduler scheduler, Set<String> names) {
    this.scheduler = scheduler;
    this.names = new TreeSet<>(names);
  }

  KeptInvalidStores afterPowerCut(SimScheduler next) {
    return new KeptInvalidStores(next, names);
  }

  @Override
  public CompletionStage<@Nullable Void> add(BlockDevice cow) {
    CompletableFuture<@Nullable Void> kept = new CompletableFuture<>();
    scheduler.trace(() -> "keeps that " + cow.name() + " is invalid");
    scheduler.execute(() -> {
      names.add(cow.name());
      kept.complete(null);
    });
    return kept;
  }

  @Override
  public CompletionStage<Boolean> contains(BlockDevice cow) {
    return CompletableFuture.completedFuture(names.contains(cow.name()));
  }

  /** The disk is to hold another store. */
  void remove(String name) {
    names.remove(name);
  }
}
