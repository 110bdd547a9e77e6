// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The limits of a volume at work. Not thread-safe: guarded by the lock of its {@link RateLimiter}.
 */
final class Buckets {
  /** The limits of commands and of bytes in one direction, or in both together. */
  private record Pair(@Nullable TokenBucket commands, @Nullable TokenBucket bytes) {
    long nanosUntil(Delayed delayed) {
      long commandNanos = commands == null ? 0 : commands.nanosUntil(1);
      long byteNanos = bytes == null ? 0 : bytes.nanosUntil(delayed.bytes());
      return Math.max(commandNanos, byteNanos);
    }

    double share(Delayed delayed) {
      double ofCommands = commands == null ? 0 : commands.share(1);
      double ofBytes = bytes == null ? 0 : bytes.share(delayed.bytes());
      return Math.max(ofCommands, ofBytes);
    }

    void take(Delayed delayed) {
      if (commands != null) {
        commands.take(1);
      }
      if (bytes != null) {
        bytes.take(delayed.bytes());
      }
    }
  }

  private final List<TokenBucket> all = new ArrayList<>();
  private final Pair both;
  private final Pair reads;
  private final Pair writes;

  Buckets(RateLimits limits, long now) {
    RateLimits.PerSecond commands = limits.commands();
    RateLimits.PerSecond bytes = limits.bytes();
    both = pair(commands.total(), bytes.total(), limits, now);
    reads = pair(commands.reads(), bytes.reads(), limits, now);
    writes = pair(commands.writes(), bytes.writes(), limits, now);
  }

  private Pair pair(long commands, long bytes, RateLimits limits, long now) {
    return new Pair(
        bucket(commands, limits.burstNanos(), now), bucket(bytes, limits.burstNanos(), now));
  }

  private @Nullable TokenBucket bucket(long rate, long burstNanos, long now) {
    if (rate == 0) {
      return null;
    }
    TokenBucket bucket = new TokenBucket(rate, burstNanos, now);
    all.add(bucket);
    return bucket;
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  /** Whether a limit holds for reads and writes together. */
  boolean areJoined() {
    return both.commands != null || both.bytes != null;
  }

  /** Nothing may be saved up: another limit was in force before. */
  void empty() {
    all.forEach(TokenBucket::empty);
  }

  void fill(long now, long lateNanos) {
    for (TokenBucket bucket : all) {
      bucket.fill(now, lateNanos);
    }
  }

  private Pair own(Traffic traffic) {
    return traffic == Traffic.READ ? reads : writes;
  }

  /** How long the limits of both directions together delay a command. */
  long nanosUntilBoth(Delayed delayed) {
    return both.nanosUntil(delayed);
  }

  /** How long the limits of its own direction delay a command. */
  long nanosUntilOwn(Delayed delayed) {
    return own(delayed.traffic()).nanosUntil(delayed);
  }

  void take(Delayed delayed) {
    both.take(delayed);
    own(delayed.traffic()).take(delayed);
  }

  /** The part of a second that a command takes of the limit that is tightest for it. */
  double share(Delayed delayed) {
    return Math.max(both.share(delayed), own(delayed.traffic()).share(delayed));
  }
}
