// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.List;
import java.util.SplittableRandom;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;

/**
 * Which disk of a {@link Machine} fails, how, and when: in one history of four, anew at each boot
 * and each merge, one request of one kind or all from then on. Draws from a generator of its own,
 * so a history without faults is the same as it was before there were any.
 */
final class FaultPlan {
  private static final Io.Op[] OPS = {
    Io.Op.READ,
    Io.Op.WRITE,
    Io.Op.WRITE,
    Io.Op.FLUSH,
    Io.Op.FLUSH,
    Io.Op.WRITE_ZEROES,
    Io.Op.DISCARD
  };

  private final SplittableRandom random;
  private final SplittableRandom cuts;
  private final boolean faulty;

  /** {@code always}: in every history. */
  FaultPlan(long seed, boolean always) {
    random = new SplittableRandom(~seed);
    cuts = new SplittableRandom(seed ^ -2);
    faulty = random.nextInt(4) == 0 || always;
  }

  boolean faulty() {
    return faulty;
  }

  void beforeBoot(Machine machine) {
    if (faulty && random.nextInt(4) > 0) {
      arm(machine, 9);
    }
  }

  void beforeMerge(Machine machine) {
    if (faulty && random.nextInt(4) > 0) {
      arm(machine, 5);
    }
  }

  /** {@code bits}: of the most requests that go well before. */
  private void arm(Machine machine, int bits) {
    List<SimDisk> disks = List.copyOf(machine.disks());
    FaultDevice device = machine.faults(disks.get(random.nextInt(disks.size())).name());
    Io.Op op = OPS[random.nextInt(OPS.length)];
    long before = random.nextInt(1 << (1 + random.nextInt(op == Io.Op.READ ? bits : bits - 2)));
    boolean space = op != Io.Op.READ && op != Io.Op.FLUSH && random.nextInt(3) == 0;
    device.arm(
        new FaultDevice.Fault(
            op,
            device.seen(op) + before + 1,
            random.nextInt(3) == 0,
            space ? IoError.Kind.NO_SPACE : IoError.Kind.IO));
    if (op == Io.Op.FLUSH && cuts.nextInt(2) == 0) {
      // While what it has lost counts: before somebody finds the disk read-only and gives it up.
      int later = cuts.nextInt(60);
      device.onFailedFlush(() -> machine.scheduler().cutPowerAfter(later));
    }
    // Of what a failed flush loses only a disk that latches can tell all who wrote it.
    if (random.nextBoolean() || op == Io.Op.FLUSH) {
      device.latch();
    }
  }

  /** After a step on a machine with a disk that has failed: whether it is to be started anew. */
  boolean enough() {
    return random.nextInt(4) == 0;
  }
}
