// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;

/** {@code snapshot remove}. */
public final class SnapshotRemoveVerb
    implements Verb<SnapshotRemoveVerb.Arguments, Nothing, SnapshotRemoveVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "snapshot remove",
          "Removes a snapshot; the volume stays as it is.",
          Arguments.class,
          Result.class);

  /** Which one. */
  public record Arguments(
      @Doc("VOLUME@NAME") String name,
      @Doc("also when sessions see it as a LUN, or its merge waits or cannot go on")
          boolean force) {}

  /** What was removed. */
  public record Result(@Doc("VOLUME@NAME") String removed) {}

  private final Snapshots snapshots;

  SnapshotRemoveVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    snapshots.remove(arguments.name(), arguments.force());
    return new Result(arguments.name());
  }
}
