// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The power is cut after every single event of a {@link Script}, and each time all that may be left
 * on the disks is tried, up to a bound; and now and then it is cut again while everything comes up.
 */
@ExtendWith(QuietLog.class)
final class CrashTest {
  /** Answers of which every combination is tried, and the most combinations for one cut. */
  private static final int QUESTIONS = 6;

  private static final int MOST_OUTCOMES = 24;

  @ParameterizedTest
  @CsvSource({
    "1, 12, P, 1, 2",
    "2, 12, PO, 4, 1",
    "3, 20, P, 8, 4",
    "4, 45, P, 1, 16", // more exceptions than an area has
    "5, 80, P, 2, 32", // a write of metadata that may be torn in two
  })
  void anyPowerCutIsSurvived(long seed, int sectors, String type, int chunk, int otherChunk) {
    long cuts = 0;
    long outcomes = 0;
    while (true) {
      Script script = new Script(seed, sectors, type, chunk, otherChunk, Trace.NONE);
      script.volume.machine().scheduler().cutPowerAfter(cuts);
      try {
        script.run();
        break;
      } catch (SimScheduler.PowerCut cut) {
        script.volume.powerCut();
        outcomes += everyOutcome(script.volume, cuts);
        cuts++;
      }
    }
    System.out.println(cuts + " power cuts, " + outcomes + " outcomes");
    assertThat(cuts).isGreaterThan(50);
    assertThat(outcomes).isGreaterThan(2 * cuts);
  }

  private static int everyOutcome(Volume volume, long cut) {
    int outcomes = 0;
    Choices choices = Choices.exhaustive(QUESTIONS, new SplittableRandom(cut));
    do {
      Machine machine = volume.machine().afterPowerCut(cut, choices);
      try {
        recover(volume.on(machine), machine, outcomes == 0 ? 1 + cut % 50 : Long.MAX_VALUE >> 1);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("power cut after event " + cut + ", outcome " + choices, e);
      }
      outcomes++;
    } while (outcomes < MOST_OUTCOMES && choices.another());
    return outcomes;
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
