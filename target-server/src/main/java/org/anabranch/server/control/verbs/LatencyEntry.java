// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.server.control.Doc;

/** How long something took. */
public record LatencyEntry(
    @Doc("how many durations were measured") long count,
    @Doc("all of them together") long sumNanos,
    @Doc("the median; 0 when there are none") long p50Nanos,
    @Doc("99 of 100 were not longer; 0 when there are none") long p99Nanos,
    @Doc("those that are not empty, the shortest durations first") List<BucketEntry> buckets) {
  /** A reading as an answer has it. */
  public static LatencyEntry of(LatencyDistribution distribution) {
    List<BucketEntry> buckets = new ArrayList<>();
    distribution.forEach((from, count) -> buckets.add(new BucketEntry(from, count)));
    return new LatencyEntry(
        distribution.count(),
        distribution.sumNanos(),
        distribution.quantileNanos(0.5),
        distribution.quantileNanos(0.99),
        buckets);
  }

  /** The reading that an answer has. */
  public LatencyDistribution distribution() {
    Map<Long, Long> counts = new HashMap<>();
    buckets.forEach(bucket -> counts.put(bucket.fromNanos(), bucket.count()));
    return LatencyDistribution.of(from -> counts.getOrDefault(from, 0L), sumNanos);
  }
}
