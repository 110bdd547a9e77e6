// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

/**
 * A turn for each direction, in seconds of the limit. Not thread-safe: guarded by the lock of its
 * {@link RateLimiter}.
 */
final class Turns {
  private double reads;
  private double writes;

  double of(Traffic traffic) {
    return traffic == Traffic.READ ? reads : writes;
  }

  void set(Traffic traffic, double turn) {
    if (traffic == Traffic.READ) {
      reads = turn;
    } else {
      writes = turn;
    }
  }

  void begin() {
    reads = 0;
    writes = 0;
  }
}
