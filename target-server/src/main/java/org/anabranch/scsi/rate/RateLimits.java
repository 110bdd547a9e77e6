// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

/**
 * What a volume may do in a second. A command must fit into all limits that concern it.
 *
 * @param commands commands
 * @param bytes bytes
 * @param burstNanos what was not used during so much time may be used at once later; more than 0
 */
public record RateLimits(PerSecond commands, PerSecond bytes, long burstNanos) {
  /** The time that is saved up unless something else is configured. */
  public static final long USUAL_BURST_NANOS = 100_000_000;

  /** No limits. */
  public static final RateLimits NONE =
      new RateLimits(PerSecond.UNLIMITED, PerSecond.UNLIMITED, USUAL_BURST_NANOS);

  /** Limits of one quantity; 0: none. {@code total} counts reads and writes together. */
  public record PerSecond(long total, long reads, long writes) {
    public static final PerSecond UNLIMITED = new PerSecond(0, 0, 0);

    public PerSecond {
      if (total < 0 || reads < 0 || writes < 0) {
        throw new IllegalArgumentException(total + ", " + reads + ", " + writes + " a second");
      }
    }

    long of(Traffic traffic) {
      return traffic == Traffic.READ ? reads : writes;
    }
  }

  public RateLimits {
    if (burstNanos <= 0) {
      throw new IllegalArgumentException("a burst of " + burstNanos + " ns");
    }
  }

  /** Whether nothing is limited. */
  public boolean isNone() {
    return commands.equals(PerSecond.UNLIMITED) && bytes.equals(PerSecond.UNLIMITED);
  }
}
