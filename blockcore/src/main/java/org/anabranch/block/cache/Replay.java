// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.cache.Ring.Leftover;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes to a device what the process before this one had left in the ring, in its order, and frees
 * it. Nobody else may use the device meanwhile.
 *
 * <p>Writes that do not overlap go down together, in groups; a group waits for the one before. What
 * happens when the process dies in the middle? The next one begins again: of each sector, the last
 * write is made last. What if a write fails? The others are made all the same, everything stays in
 * the ring for the next start, and {@link Outcome#error} says why. Entries that were damaged from
 * outside are lost, which is an error too; the others are made once.
 */
final class Replay {
  private static final Logger LOG = LoggerFactory.getLogger(Replay.class);

  /** The most writes in one group. */
  private static final int MAX_GROUP = 1024;

  /**
   * How it went.
   *
   * @param count the number of writes that were made again
   * @param error the first failure, or that the ring was damaged; null if all went well
   */
  record Outcome(int count, @Nullable IoError error) {}

  private final Ring ring;
  private final String owner;
  private final BlockDevice device;
  private final AtomicInteger good = new AtomicInteger();
  private final AtomicReference<@Nullable IoError> failed = new AtomicReference<>();

  Replay(Ring ring, String owner, BlockDevice device) {
    this.ring = ring;
    this.owner = owner;
    this.device = device;
  }

  /** Done at the end, whatever that is. */
  CompletionStage<Outcome> run() {
    List<Leftover> all = ring.left(owner);
    if (ring.damaged(owner)) {
      failed.set(
          IoError.of(
              IoError.Kind.IO,
              device.name()
                  + ": the write cache's ring was damaged, acknowledged writes are lost"));
    }
    CompletionStage<@Nullable Void> done = CompletableFuture.completedFuture(null);
    for (List<Leftover> group : groups(all)) {
      done = done.thenCompose(before -> write(group));
    }
    return done.thenApply(ended -> outcome(all.size()));
  }

  private Outcome outcome(int count) {
    if (good.get() == count) {
      ring.forget(owner);
    }
    IoError error = failed.get();
    if (error != null) {
      LOG.error("{}", error.message());
    } else if (count > 0) {
      LOG.info("{}: {} acknowledged writes replayed from the write cache", device.name(), count);
    }
    return new Outcome(good.get(), error);
  }

  private CompletionStage<@Nullable Void> write(List<Leftover> group) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    AtomicInteger left = new AtomicInteger(group.size());
    for (Leftover write : group) {
      device.submit(
          Io.write(
              write.sector(),
              write.data().duplicate(),
              false,
              (io, error) -> {
                if (error == null) {
                  good.incrementAndGet();
                } else {
                  failed.compareAndSet(
                      null,
                      IoError.io(
                          write.sector(),
                          device.name()
                              + ": a write of the write cache could not be replayed, read-only from"
                              + " here on: "
                              + error.message(),
                          error.cause()));
                }
                if (left.decrementAndGet() == 0) {
                  done.complete(null);
                }
              }));
    }
    return done;
  }

  /** In order; those of one group do not overlap. */
  static List<List<Leftover>> groups(List<Leftover> all) {
    List<List<Leftover>> groups = new ArrayList<>();
    TreeMap<Long, Long> ends = new TreeMap<>();
    for (Leftover write : all) {
      var before = ends.lowerEntry(write.end());
      if (groups.isEmpty()
          || groups.getLast().size() == MAX_GROUP
          || (before != null && before.getValue() > write.sector())) {
        groups.add(new ArrayList<>());
        ends.clear();
      }
      groups.getLast().add(write);
      ends.put(write.sector(), write.end());
    }
    return groups;
  }
}
