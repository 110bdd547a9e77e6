// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.Target;
import org.anabranch.block.sim.QuietLog;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A volume that is being merged is as many registers as it has sectors, whatever the threads that
 * write, read and merge do in between each other's steps.
 */
@ExtendWith(QuietLog.class)
@Param(name = "chunk", gen = IntGen.class, conf = "0:2")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class InterlockLincheckTest {
  private final LincheckStack stack = new LincheckStack();
  private final Target merge = merge();

  /** A snapshot with two exceptions becomes a merge that waits. */
  private Target merge() {
    Target snapshot = stack.target("snapshot", "origin", "cow", "P", "1");
    snapshot.preresume();
    snapshot.resume();
    stack.write(snapshot, 0, 100);
    stack.write(snapshot, 1, 101);
    Target target = stack.target("snapshot-merge", "origin", "cow", "P", "1");
    snapshot.presuspend(SuspendMode.FLUSH);
    snapshot.postsuspend();
    target.preresume();
    ((MergeTarget) target).pause();
    target.resume();
    return target;
  }

  @Operation
  public void write(@Param(name = "chunk") int chunk, @Param(name = "value") int value) {
    stack.write(merge, chunk, value);
  }

  @Operation
  public int read(@Param(name = "chunk") int chunk) {
    return stack.read(merge, chunk);
  }

  @Operation
  public void merging() {
    ((MergeTarget) merge).unpause();
    stack.turn();
  }

  /** What it must be equal to. */
  public static final class Registers {
    private final int[] values = {100, 101, 0};

    public void write(int chunk, int value) {
      values[chunk] = value;
    }

    public int read(int chunk) {
      return values[chunk];
    }

    public void merging() {}
  }

  @Test
  void mergeIsInvisible() {
    new StressOptions()
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(0)
        .actorsAfter(3)
        .iterations(Boolean.getBoolean("anabranch.requireTools") ? 10 : 3)
        .invocationsPerIteration(100)
        .sequentialSpecification(Registers.class)
        .check(InterlockLincheckTest.class);
  }
}
