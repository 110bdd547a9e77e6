// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import org.anabranch.initiator.workload.LatencyHistogram;
import org.jspecify.annotations.Nullable;

/**
 * One run of a load on a server.
 *
 * @param rate operations a second
 * @param bytes of each operation
 * @param cpu seconds of the server's for a million operations
 * @param generatorCpu seconds of the generator's for a million operations
 * @param peakBytes the most memory that the server had in the run
 * @param latency of each operation, where the generator tells
 * @param leastShare the slowest session's part of what each would have if all had the same
 */
record Measurement(
    double rate,
    int bytes,
    double cpu,
    double generatorCpu,
    long peakBytes,
    @Nullable LatencyHistogram latency,
    double leastShare) {
  /** Of {@code operations} that ran between two looks at what was used. */
  static Measurement of(
      double rate,
      int bytes,
      double operations,
      Usage before,
      Usage after,
      @Nullable LatencyHistogram latency,
      double leastShare) {
    return new Measurement(
        rate,
        bytes,
        (after.cpuSeconds() - before.cpuSeconds()) * 1e6 / operations,
        (after.generatorSeconds() - before.generatorSeconds()) * 1e6 / operations,
        after.peakBytes(),
        latency,
        leastShare);
  }

  /** Decimal megabytes a second. */
  double megabytes() {
    return rate * bytes / 1e6;
  }

  /** Seconds of the server's processor time for each decimal gigabyte. */
  double cpuPerGigabyte() {
    return cpu * 1e3 / bytes;
  }
}
