// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import static org.anabranch.scsi.api.TaskManagementFunction.ABORT_TASK;
import static org.anabranch.scsi.api.TaskManagementFunction.LOGICAL_UNIT_RESET;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.count.Counts;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskManagementFunction.Response;
import org.anabranch.scsi.api.UnitCounter;
import org.anabranch.scsi.rate.RateLimiter;
import org.anabranch.scsi.rate.RateLimits;
import org.junit.jupiter.api.Test;

/** What counts for rate limits, and what becomes of a command that waits for them. */
final class TaskPaceTest {
  private static final long SECOND = 1_000_000_000;
  private static final String READ = "28 00 00 00 00 00 00 00 01 00";
  private static final String FLUSH = "35 00 00 00 00 00 00 00 00 00";
  private static final String INQUIRY = "12 00 00 00 60 00";

  private final Lab lab = Lab.disk();
  private final RateLimiter limiter = new RateLimiter(lab.scheduler);
  private final Lab.Initiator first = lab.initiator("iqn.2026-11.org.example:first");
  private final Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");

  private void limit(long commands, long bytes) {
    lab.unit.pace().limitedBy(limiter);
    limiter.limits(
        new RateLimits(
            new RateLimits.PerSecond(commands, 0, 0),
            new RateLimits.PerSecond(bytes, 0, 0),
            RateLimits.USUAL_BURST_NANOS));
  }

  /** Begins a command as a session does: it executes when the limits let it. */
  private static Lab.Command begin(Lab.Initiator from, String cdb, byte... out) {
    Lab.Command command = from.begin(cdb, out);
    return command.pace() ? command.execute() : command;
  }

  /** How many seconds pass before the command after this one may go on. */
  private long secondsAfter(String cdb, int bytes) {
    Lab.Command counted = begin(first, cdb, new byte[bytes]);
    lab.scheduler.settle();
    assertThat(counted.isOver()).as("goes on at once").isTrue();
    Lab.Command next = begin(first, READ);
    long seconds = 0;
    for (; !next.isOver(); seconds++) {
      lab.scheduler.advance(SECOND);
    }
    lab.scheduler.advance(60 * SECOND); // what is owed
    return seconds;
  }

  private List<Response> manage(Lab.Initiator by, TaskManagementFunction function, int tag) {
    List<Response> answers = new ArrayList<>();
    lab.device.manage(by.nexus, function, 0, tag, answers::add);
    return answers;
  }

  @Test
  void withoutLimitsNothingWaits() {
    lab.unit.pace().limitedBy(limiter);
    for (int i = 0; i < 1000; i++) {
      begin(first, READ).result().isGood();
    }
    assertThat(delayed()).isZero();
  }

  @Test
  void aUnitWithoutLimitsAllocatesNothing() {
    lab.unit.pace().limitedBy(limiter);
    Lab.Command command = first.begin(READ);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int i = 0; i < 20_000; i++) {
      command.pace();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 100_000; i++) {
      command.pace();
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .as("bytes for 100,000 commands")
        .isLessThan(10_000);
  }

  private long delayed() {
    long[] value = new long[1];
    lab.unit
        .counts()
        .read(
            new Counts.Visitor() {
              @Override
              public void counter(org.anabranch.block.count.Counter counter, long count) {
                if (counter == UnitCounter.DELAYED) {
                  value[0] = count;
                }
              }

              @Override
              public void latency(
                  org.anabranch.block.count.Latency latency,
                  org.anabranch.block.count.LatencyDistribution distribution) {}
            });
    return value[0];
  }

  @Test
  void commandsWaitAndAreCounted() {
    limit(1, 0);
    begin(first, READ).result().isGood();
    Lab.Command waits = begin(first, READ);
    lab.scheduler.settle();
    assertThat(waits.isOver()).isFalse();
    lab.scheduler.advance(SECOND);
    waits.result().isGood();
    assertThat(delayed()).isEqualTo(1);
  }

  @Test
  void flushesAndCommandsWithoutBlocksDoNotWait() {
    limit(1, 0);
    begin(first, READ).result().isGood();
    for (int i = 0; i < 100; i++) {
      begin(first, FLUSH).result().isGood();
      begin(first, INQUIRY).result().isGood();
    }
    lab.scheduler.advance(SECOND);
    begin(first, READ).result().isGood();
  }

  @Test
  void bytesAreThoseOfTheBlocksThatACommandNames() {
    limit(0, 512);
    lab.scheduler.advance(60 * SECOND);
    assertThat(secondsAfter("28 00 00 00 00 00 00 00 08 00", 0)).as("READ of 8").isEqualTo(8);
    assertThat(secondsAfter("2a 00 00 00 00 00 00 00 04 00", 2048)).as("WRITE").isEqualTo(4);
    assertThat(secondsAfter("2f 00 00 00 00 00 00 00 08 00", 0)).as("VERIFY").isEqualTo(8);
    assertThat(secondsAfter("2e 00 00 00 00 00 00 00 04 00", 2048))
        .as("WRITE AND VERIFY")
        .isEqualTo(4);
    assertThat(secondsAfter("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", 1024))
        .as("COMPARE AND WRITE of 1")
        .isEqualTo(1);
    assertThat(secondsAfter("41 00 00 00 00 00 00 00 0a 00", 512)).as("WRITE SAME").isEqualTo(10);
  }

  @Test
  void aCommandThatIsRejectedForItsLengthCostsNoTime() {
    limit(0, 512);
    lab.scheduler.advance(60 * SECOND);
    Lab.Command huge = begin(first, "a8 00 00 00 00 00 7f ff ff ff 00 00");
    lab.scheduler.settle();
    assertThat(huge.result().status()).isNotEqualTo(org.anabranch.scsi.api.Status.GOOD);
    Lab.Command next = begin(first, READ);
    lab.scheduler.advance(SECOND);
    next.result().isGood();
  }

  @Test
  void unmappedBlocksAreNoBytes() {
    limit(0, 512);
    lab.scheduler.advance(60 * SECOND);
    begin(first, "41 08 00 00 00 00 00 ff ff 00", new byte[512]);
    begin(first, READ);
    Lab.Command next = begin(first, READ);
    lab.scheduler.advance(2 * SECOND);
    next.result().isGood();
  }

  @Test
  void anAbortEndsACommandThatWaitsAtOnce() {
    limit(1, 0);
    begin(first, READ).result().isGood();
    Lab.Command waits = begin(first, READ);
    assertThat(manage(first, ABORT_TASK, waits.task.tag())).containsExactly(Response.COMPLETE);
    assertThat(waits.result().aborted()).isTrue();
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void aResetEndsAllCommandsThatWaitAtOnce() {
    limit(1, 0);
    begin(first, READ).result().isGood();
    List<Lab.Command> waiting = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      waiting.add(begin(first, READ));
      waiting.add(begin(second, READ));
    }
    assertThat(limiter.waiting()).isEqualTo(128);
    assertThat(manage(second, LOGICAL_UNIT_RESET, 0)).containsExactly(Response.COMPLETE);
    waiting.forEach(command -> assertThat(command.result().aborted()).isTrue());
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void theLossOfANexusEndsWhatItWaitsFor() {
    limit(1, 0);
    begin(second, READ).result().isGood();
    Lab.Command lost = begin(first, READ);
    Lab.Command stays = begin(second, READ);
    lab.device.close(first.nexus);
    assertThat(lost.result().aborted()).isTrue();
    assertThat(limiter.waiting()).isEqualTo(1);
    lab.scheduler.advance(2 * SECOND);
    stays.result().isGood();
  }
}
