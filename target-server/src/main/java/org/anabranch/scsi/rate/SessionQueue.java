// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

import java.util.LinkedHashSet;
import java.util.SequencedSet;

/**
 * What waits of one session, oldest first, reads and writes apart. Not thread-safe: guarded by the
 * lock of its {@link RateLimiter}.
 */
final class SessionQueue {
  private final SequencedSet<Delayed> reads = new LinkedHashSet<>();
  private final SequencedSet<Delayed> writes = new LinkedHashSet<>();

  /** How much it has had in each direction, in seconds of the limit; who has had least is next. */
  final Turns turns = new Turns();

  SequencedSet<Delayed> of(Traffic traffic) {
    return traffic == Traffic.READ ? reads : writes;
  }

  boolean isEmpty() {
    return reads.isEmpty() && writes.isEmpty();
  }
}
