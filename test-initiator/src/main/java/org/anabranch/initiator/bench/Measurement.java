// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import org.anabranch.initiator.workload.LatencyHistogram;
import org.jspecify.annotations.Nullable;

/**
 * One run of a load on a server.
 *
 * @param rate operations a second
 * @param bytes of each operation
 * @param cpu seconds of the server's for a million operations
 * @param peakBytes the most memory that the server has had so far
 * @param latency of each operation, where the generator tells
 * @param leastShare the slowest session's part of what each would have if all had the same
 */
record Measurement(
    double rate,
    int bytes,
    double cpu,
    long peakBytes,
    @Nullable LatencyHistogram latency,
    double leastShare) {
  /** Decimal megabytes a second. */
  double megabytes() {
    return rate * bytes / 1e6;
  }

  /** Seconds of the server's processor time for each decimal gigabyte. */
  double cpuPerGigabyte() {
    return cpu * 1e3 / bytes;
  }
}
