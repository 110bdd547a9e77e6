// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.anabranch.block.count.Latencies;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.UnitCounter;
import org.anabranch.scsi.api.UnitLatency;

/** Counts the tasks of a set as they end, before anybody hears of the end. Any thread. */
public final class TaskCounts {
  private final Counts counts = new Counts();
  private final Counters<UnitCounter> counters = counts.counters(UnitCounter.class);
  private final Latencies<UnitLatency> latencies = counts.latencies(UnitLatency.class);
  private final Scheduler clock;

  /**
   * @param clock measures latencies
   */
  public TaskCounts(Scheduler clock) {
    this.clock = clock;
  }

  Counts counts() {
    return counts;
  }

  void arrived(UnitTask task) {
    task.arrived = clock.nanoTime();
  }

  void full() {
    counters.increment(UnitCounter.TASK_SET_FULL);
  }

  void aborted() {
    counters.increment(UnitCounter.ABORTED);
  }

  void deviceError() {
    counters.increment(UnitCounter.DEVICE_ERRORS);
  }

  /** A rate limit delayed a command, or a piece of one, for so long. */
  void delayed(long nanos) {
    counters.increment(UnitCounter.DELAYED);
    latencies.record(UnitLatency.DELAY, nanos);
  }

  void ended(UnitTask entry, Status status, int transferred) {
    Command command = entry.command;
    UnitLatency kind = command == null ? UnitLatency.OTHER : command.measuredAs();
    latencies.record(kind, clock.nanoTime() - entry.arrived);
    switch (kind) {
      case READ -> {
        counters.increment(UnitCounter.READS);
        counters.add(UnitCounter.READ_BYTES, transferred);
      }
      case WRITE -> {
        counters.increment(UnitCounter.WRITES);
        counters.add(
            UnitCounter.WRITTEN_BYTES, status == Status.GOOD ? entry.task().dataOutReceived() : 0);
      }
      case OTHER, DELAY -> counters.increment(UnitCounter.OTHERS);
    }
    if (status == Status.CHECK_CONDITION) {
      counters.increment(UnitCounter.CHECK_CONDITIONS);
    } else if (status == Status.RESERVATION_CONFLICT) {
      counters.increment(UnitCounter.RESERVATION_CONFLICTS);
    }
  }
}
