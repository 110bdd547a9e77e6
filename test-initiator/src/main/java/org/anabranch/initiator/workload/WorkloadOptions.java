// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The options of a {@link VerifiedWorkload}. Immutable; each method returns a changed copy.
 *
 * @param seed of every choice; with the same seed each lane runs the same operations in order
 * @param queueDepth operations in flight, one for each lane
 * @param firstBlock start of the range, which only the workload uses
 * @param blocks length of the range
 * @param minBytes smallest operation, rounded up to whole blocks
 * @param maxBytes largest operation
 * @param readPercent percentage of reads among reads and writes
 * @param fuaPercent percentage of FUA among the writes
 * @param flushPercent percentage of all operations
 * @param discardPercent percentage of all operations
 * @param discardZeroes whether a discarded block must read as zeros, or only may
 * @param operations total number of operations, over all lanes
 * @param duration the time after which the run ends if it has not ended before
 * @param crashes whether the target may crash during the run and lose what was not flushed
 * @param tolerated errors of operations that the test itself causes
 */
public record WorkloadOptions(
    long seed,
    int queueDepth,
    long firstBlock,
    long blocks,
    int minBytes,
    int maxBytes,
    int readPercent,
    int fuaPercent,
    int flushPercent,
    int discardPercent,
    boolean discardZeroes,
    long operations,
    Duration duration,
    boolean crashes,
    Predicate<IOException> tolerated) {

  public WorkloadOptions {
    if (queueDepth < 1
        || queueDepth > 1024
        || blocks < 1
        || blocks > 1 << 24
        || minBytes < 1
        || maxBytes < minBytes
        || maxBytes > 16 << 20) {
      throw new IllegalArgumentException(
          queueDepth + " deep, " + blocks + " blocks, " + minBytes + ".." + maxBytes + " bytes");
    }
  }

  /** Half reads, half writes of 512 bytes to 1 MiB, eight in flight, for at most a minute. */
  public static WorkloadOptions mixed(long seed, long blocks, long operations) {
    return new WorkloadOptions(
        seed,
        8,
        0,
        blocks,
        512,
        1 << 20,
        50,
        2,
        1,
        0,
        true,
        operations,
        Duration.ofMinutes(1),
        false,
        error -> false);
  }

  /** The components of a changed copy. */
  private static final class Builder {
    long seed;
    int queueDepth;
    long firstBlock;
    long blocks;
    int minBytes;
    int maxBytes;
    int readPercent;
    int fuaPercent;
    int flushPercent;
    int discardPercent;
    boolean discardZeroes;
    long operations;
    Duration duration;
    boolean crashes;
    Predicate<IOException> tolerated;

    Builder(WorkloadOptions options) {
      seed = options.seed;
      queueDepth = options.queueDepth;
      firstBlock = options.firstBlock;
      blocks = options.blocks;
      minBytes = options.minBytes;
      maxBytes = options.maxBytes;
      readPercent = options.readPercent;
      fuaPercent = options.fuaPercent;
      flushPercent = options.flushPercent;
      discardPercent = options.discardPercent;
      discardZeroes = options.discardZeroes;
      operations = options.operations;
      duration = options.duration;
      crashes = options.crashes;
      tolerated = options.tolerated;
    }

    WorkloadOptions build() {
      return new WorkloadOptions(
          seed,
          queueDepth,
          firstBlock,
          blocks,
          minBytes,
          maxBytes,
          readPercent,
          fuaPercent,
          flushPercent,
          discardPercent,
          discardZeroes,
          operations,
          duration,
          crashes,
          tolerated);
    }
  }

  private WorkloadOptions with(Consumer<Builder> change) {
    Builder builder = new Builder(this);
    change.accept(builder);
    return builder.build();
  }

  public WorkloadOptions queueDepth(int depth) {
    return with(builder -> builder.queueDepth = depth);
  }

  /** Sets the part of the disk to use. */
  public WorkloadOptions range(long first, long count) {
    return with(builder -> {
      builder.firstBlock = first;
      builder.blocks = count;
    });
  }

  public WorkloadOptions sizes(int min, int max) {
    return with(builder -> {
      builder.minBytes = min;
      builder.maxBytes = max;
    });
  }

  /** Percentages: reads against writes, FUA among the writes, flushes and discards among all. */
  public WorkloadOptions mix(int reads, int fua, int flushes, int discards) {
    return with(builder -> {
      builder.readPercent = reads;
      builder.fuaPercent = fua;
      builder.flushPercent = flushes;
      builder.discardPercent = discards;
    });
  }

  public WorkloadOptions duration(Duration time) {
    return with(builder -> builder.duration = time);
  }

  /** Sets whether the target may be killed and restarted. */
  public WorkloadOptions crashes(boolean expected) {
    return with(builder -> builder.crashes = expected);
  }

  /** Operations with such errors count as neither done nor undone, and the workload continues. */
  public WorkloadOptions tolerating(Predicate<IOException> errors) {
    return with(builder -> builder.tolerated = errors);
  }
}
