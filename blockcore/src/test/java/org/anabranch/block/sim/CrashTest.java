// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The power is cut after every single event of a {@link Script}, and each time all that may be left
 * on the disks is tried: up to a bound, or for a tiny volume without one. Now and then it is cut
 * again while everything comes up.
 */
@ExtendWith(QuietLog.class)
final class CrashTest {
  /** How thoroughly the outcomes of one cut are tried. */
  enum Bound {
    /** Every combination of the first answers, but not too many. */
    SOME(6, 24),
    /** Every combination of all answers: there are never so many. */
    NONE(64, Integer.MAX_VALUE);

    final int questions;
    final int mostOutcomes;

    Bound(int questions, int mostOutcomes) {
      this.questions = questions;
      this.mostOutcomes = mostOutcomes;
    }
  }

  private int cuts;
  private int exhausted;
  private long outcomes;

  @ParameterizedTest
  @CsvSource({
    "6, 6, P, 1, 1, NONE",
    "1, 12, P, 1, 2, SOME",
    "2, 12, PO, 4, 1, SOME",
    "3, 20, P, 8, 4, SOME",
    "4, 45, P, 1, 16, SOME", // more exceptions than an area has
    "7, 110, P, 1, 1, SOME", // and than two of them, in one write
    "5, 80, P, 2, 32, SOME", // a write of metadata that may be torn in two
  })
  void anyPowerCutIsSurvived(
      long seed, int sectors, String type, int chunk, int otherChunk, Bound bound) {
    while (true) {
      Script script = new Script(seed, sectors, type, chunk, otherChunk, Trace.NONE);
      script.volume.machine().scheduler().cutPowerAfter(cuts);
      try {
        script.run();
        break;
      } catch (SimScheduler.PowerCut cut) {
        script.volume.powerCut();
        everyOutcome(script.volume, bound);
        cuts++;
      }
    }
    System.out.println(
        cuts + " power cuts, " + outcomes + " outcomes; of " + exhausted + " cuts every one");
    assertThat(cuts).isGreaterThan(50);
    assertThat(outcomes).isGreaterThan(2L * cuts);
    assertThat(exhausted).isGreaterThanOrEqualTo(bound == Bound.NONE ? cuts : 1);
  }

  private void everyOutcome(Volume volume, Bound bound) {
    Choices choices = Choices.exhaustive(bound.questions, new SplittableRandom(cuts));
    boolean more = true;
    for (int outcome = 0; more && outcome < bound.mostOutcomes; outcome++) {
      Machine machine = volume.machine().afterPowerCut(cuts, choices);
      try {
        recover(volume.on(machine), machine, outcome == 0 ? 1 + cuts % 50 : Long.MAX_VALUE >> 1);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("power cut after event " + cuts + ", outcome " + choices, e);
      }
      outcomes++;
      more = choices.another();
    }
    if (!more && choices.exhaustive()) {
      exhausted++;
    }
  }

  private static void recover(Volume volume, Machine machine, long nextCut) {
    machine.scheduler().cutPowerAfter(nextCut);
    try {
      comeUp(volume, machine);
    } catch (SimScheduler.PowerCut again) {
      volume.powerCut();
      Choices choices = Choices.random(new SplittableRandom(nextCut));
      comeUp(volume, machine.afterPowerCut(nextCut, choices));
    }
  }

  private static void comeUp(Volume volume, Machine machine) {
    volume.boot(machine);
    volume.verify();
    // Fills what a sector of metadata can hold, and looks at it again.
    int chunk = volume.snaps.isEmpty() ? 1 : volume.snaps.getFirst().cow.chunk();
    volume.lun().write(0, Math.min(32 * chunk, volume.sectors()), false);
    volume.drain();
    volume.powerCut();
    volume.boot(machine.afterPowerCut(1, Choices.always(Integer.MAX_VALUE)));
    volume.verify();
    if (volume.merging() != null) {
      new MergeSteps(volume).finish();
      volume.verify();
    }
  }
}
