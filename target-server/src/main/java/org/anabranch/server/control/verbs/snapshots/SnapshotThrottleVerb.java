// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;

/**
 * {@code snapshot throttle}. Unlike {@code snapshot merge --throttle} it never begins a merge: one
 * that has ended in the meantime, and kept its snapshot, would be begun again by that.
 */
public final class SnapshotThrottleVerb
    implements Verb<SnapshotThrottleVerb.Arguments, Nothing, SnapshotThrottleVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "snapshot throttle",
          "Bounds the speed of a merge that runs or waits, also over a restart.",
          Arguments.class,
          Result.class);

  /** Which one, and how fast. */
  public record Arguments(
      @Doc("VOLUME@NAME") String name,
      @Doc("the most that the merge may move; 0: as much as it can") long bytesPerSecond) {}

  /** What holds now. */
  public record Result(
      @Doc("VOLUME@NAME") String name,
      @Doc("the most that the merge may move; 0: as much as it can") long bytesPerSecond) {}

  private final Snapshots snapshots;

  SnapshotThrottleVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    if (arguments.bytesPerSecond() < 0) {
      throw new RefusedException(
          "throttle of " + arguments.bytesPerSecond() + "; allowed are 0 and more");
    }
    long now = snapshots.throttle(arguments.name(), arguments.bytesPerSecond()).throttle();
    return new Result(arguments.name(), now);
  }
}
