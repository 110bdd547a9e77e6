// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;

/** {@code snapshot rename}. */
public final class SnapshotRenameVerb
    implements Verb<SnapshotRenameVerb.Arguments, Nothing, SnapshotRenameVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("snapshot rename", "Gives a snapshot another name.", Arguments.class, Result.class);

  /** Which one. */
  public record Arguments(
      @Doc("VOLUME@OLD") String name,
      @Doc("the new name, unique in the volume") String newName,
      @Doc("also when sessions see it as a LUN of the configuration, which they lose")
          boolean force) {}

  /** Its name now. */
  public record Result(@Doc("VOLUME@NEW") String name, @Doc("VOLUME@OLD") String before) {}

  private final Snapshots snapshots;

  SnapshotRenameVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String now =
        snapshots.rename(arguments.name(), arguments.newName(), arguments.force()).device();
    return new Result(now, arguments.name());
  }
}
