// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import org.anabranch.initiator.workload.LatencyHistogram;
import org.jspecify.annotations.Nullable;

/**
 * One run of a load on a server.
 *
 * @param rate operations per second
 * @param bytes bytes per operation
 * @param cpu seconds of the server's processor time per million operations
 * @param generatorCpu seconds of the generator's processor time per million operations
 * @param storageCpu the same of the process that stores what the server serves; 0 if it is the
 *     server
 * @param peakBytes the server's peak memory during the run
 * @param latency latency of the operations, if the generator reports it
 * @param leastShare the slowest session's part of an equal share
 */
record Measurement(
    double rate,
    int bytes,
    double cpu,
    double generatorCpu,
    double storageCpu,
    long peakBytes,
    @Nullable LatencyHistogram latency,
    double leastShare) {
  /** The result of {@code operations} that ran between two readings of the usage. */
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
        (after.storageSeconds() - before.storageSeconds()) * 1e6 / operations,
        after.peakBytes(),
        latency,
        leastShare);
  }

  /** Seconds of all processor time per million operations. */
  double allCpu() {
    return cpu + generatorCpu + storageCpu;
  }

  /** Decimal megabytes per second. */
  double megabytes() {
    return rate * bytes / 1e6;
  }

  /** Seconds of the server's processor time per decimal gigabyte. */
  double cpuPerGigabyte() {
    return cpu * 1e3 / bytes;
  }
}
