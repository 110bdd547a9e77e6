// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.dm.Target;
import org.anabranch.block.sim.QuietLog;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * An origin and its snapshot are registers that know nothing of each other, whichever thread begins
 * a chunk's exception, finds it pending, commits it or waits for it.
 */
@ExtendWith(QuietLog.class)
@Param(name = "chunk", gen = IntGen.class, conf = "0:1")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class PendingExceptionLincheckTest {
  private final LincheckStack stack = new LincheckStack();
  private final Target origin = stack.target("snapshot-origin", "origin");
  private final Target snapshot = snapshot();

  private Target snapshot() {
    Target target = stack.target("snapshot", "origin", "cow", "P", "1");
    target.preresume();
    target.resume();
    return target;
  }

  @Operation
  public void writeOrigin(@Param(name = "chunk") int chunk, @Param(name = "value") int value) {
    stack.write(origin, chunk, value);
  }

  @Operation
  public void writeSnapshot(@Param(name = "chunk") int chunk, @Param(name = "value") int value) {
    stack.write(snapshot, chunk, value);
  }

  @Operation
  public int readOrigin(@Param(name = "chunk") int chunk) {
    return stack.read(origin, chunk);
  }

  @Operation
  public int readSnapshot(@Param(name = "chunk") int chunk) {
    return stack.read(snapshot, chunk);
  }

  /** What it must be equal to. */
  public static final class Registers {
    private final int[] origin = new int[2];
    private final int[] snapshot = new int[2];

    public void writeOrigin(int chunk, int value) {
      origin[chunk] = value;
    }

    public void writeSnapshot(int chunk, int value) {
      snapshot[chunk] = value;
    }

    public int readOrigin(int chunk) {
      return origin[chunk];
    }

    public int readSnapshot(int chunk) {
      return snapshot[chunk];
    }
  }

  @Test
  void originAndSnapshotDoNotSeeEachOther() {
    new StressOptions()
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(0)
        .actorsAfter(3)
        .iterations(Boolean.getBoolean("anabranch.requireTools") ? 10 : 3)
        .invocationsPerIteration(100)
        .sequentialSpecification(Registers.class)
        .check(PendingExceptionLincheckTest.class);
  }
}
