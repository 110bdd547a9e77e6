// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every single request of a {@link Script} to every disk fails once, then it and all after it, with
 * EIO and for what takes space with ENOSPC; a flush or write on a disk that goes on, and on one
 * that is read-only from then on, as a file is. Then nothing may hang, no request may be lost,
 * everything that is read without an error is right, and when the fault is gone and the power was
 * cut all is there that was promised: the volume, the snapshots that are not invalid, and a merge
 * that comes to its end.
 */
@ExtendWith(QuietLog.class)
final class FaultSweepTest {
  private static final List<Io.Op> OPS =
      List.of(Io.Op.READ, Io.Op.WRITE, Io.Op.FLUSH, Io.Op.WRITE_ZEROES, Io.Op.DISCARD);

  private record Sweep(long seed, int sectors, String type, int chunk, int otherChunk) {
    Script script() {
      return new Script(seed, sectors, type, chunk, otherChunk, Trace.NONE);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 12, P, 1, 2", "2, 20, PO, 4, 8", "3, 36, P, 1, 4"})
  void anyFailedRequestIsSurvived(long seed, int sectors, String type, int chunk, int otherChunk) {
    Sweep sweep = new Sweep(seed, sectors, type, chunk, otherChunk);
    Script counting = sweep.script();
    counting.run();
    int runs = 0;
    for (SimDisk disk : counting.volume.machine().disks()) {
      for (Io.Op op : OPS) {
        long seen = counting.volume.machine().faults(disk.name()).seen(op);
        for (FaultDevice.Fault fault : faults(op, seen)) {
          survive(sweep, disk.name(), fault, false);
          runs++;
          if (op == Io.Op.FLUSH || op == Io.Op.WRITE) {
            survive(sweep, disk.name(), fault, true);
            runs++;
          }
        }
      }
    }
    System.out.println(runs + " faults");
    assertThat(runs).isGreaterThan(100);
  }

  private static List<FaultDevice.Fault> faults(Io.Op op, long seen) {
    List<FaultDevice.Fault> faults = new ArrayList<>();
    for (long nth = 1; nth <= seen; nth++) {
      for (boolean forever : new boolean[] {false, true}) {
        faults.add(new FaultDevice.Fault(op, nth, forever, IoError.Kind.IO));
        if (op == Io.Op.WRITE || op == Io.Op.WRITE_ZEROES) {
          faults.add(new FaultDevice.Fault(op, nth, forever, IoError.Kind.NO_SPACE));
        }
      }
    }
    return faults;
  }

  private static void survive(Sweep sweep, String disk, FaultDevice.Fault fault, boolean latches) {
    Script script = sweep.script();
    Volume volume = script.volume;
    FaultDevice device = volume.machine().faults(disk);
    try {
      device.arm(fault);
      if (latches) {
        device.latch();
      }
      try {
        script.run();
      } catch (Machine.RefusedException expected) {
        // The administrator is told. What there is must be usable after a restart.
      }
      assertThat(device.failures()).isPositive();
      volume.takeDown();
      comeBack(volume);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(disk + ": " + fault + (latches ? ", latches" : ""), e);
    }
  }

  /** The fault is gone, and the power was cut. */
  private static void comeBack(Volume before) {
    before.powerCut();
    Machine machine = before.machine().afterPowerCut(1, Choices.always(0));
    Volume volume = before.on(machine);
    volume.boot(machine);
    volume.verify();
    if (volume.merging() != null) {
      new MergeSteps(volume).finish();
      volume.verify();
    }
    volume.drain();
    volume.takeDown();
  }
}
