// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.block.count.Latency;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.stats.Subject;

/** A latency, and what it is of. */
public record LatencyOfEntry(
    @Doc("as for counters") Subject.Kind of,
    @Doc("as for counters") String name,
    @Doc("as for counters") String layer,
    @Doc("such as read") String latency,
    @Doc("the latency in words") String words,
    @Flat LatencyEntry durations) {
  static LatencyOfEntry of(Subject subject, Latency latency, LatencyDistribution distribution) {
    return new LatencyOfEntry(
        subject.kind(),
        subject.name(),
        latency.layer(),
        latency.key(),
        latency.words(),
        LatencyEntry.of(distribution));
  }
}
