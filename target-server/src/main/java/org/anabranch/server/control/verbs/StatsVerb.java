// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.count.Counter;
import org.anabranch.block.count.Counts;
import org.anabranch.block.count.Latency;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.stats.Statistics;
import org.anabranch.server.stats.Subject;

/** {@code stats}: what the server has counted. A rate is the difference of two answers. */
public final class StatsVerb implements Verb<Nothing, Nothing, StatsVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "stats",
          "Reports what was counted since the server began. The difference of two answers is what"
              + " happened between them.",
          Nothing.class,
          Result.class);

  /** All that was counted. */
  public record Result(
      @Doc("since the server began") long nanos,
      @Doc("volumes, snapshots and devices, by name") List<VolumeStats> volumes,
      @Doc("every counter of every layer") List<CounterEntry> counters,
      @Doc("every latency of every layer") List<LatencyOfEntry> latencies) {}

  private final RunningServer server;

  StatsVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Place place(Nothing arguments) {
    return Place.STATUS;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) {
    return read(server.statistics());
  }

  /** A reading of everything. */
  public static Result read(Statistics statistics) {
    List<CounterEntry> counters = new ArrayList<>();
    List<LatencyOfEntry> latencies = new ArrayList<>();
    for (Subject subject : statistics.subjects()) {
      subject
          .counts()
          .read(
              new Counts.Visitor() {
                @Override
                public void counter(Counter counter, long value) {
                  counters.add(CounterEntry.of(subject, counter, value));
                }

                @Override
                public void latency(Latency latency, LatencyDistribution distribution) {
                  latencies.add(LatencyOfEntry.of(subject, latency, distribution));
                }
              });
    }
    return new Result(statistics.nanos(), VolumeStats.all(statistics), counters, latencies);
  }
}
