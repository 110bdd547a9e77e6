// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;

/** {@code snapshot pause}. */
public final class SnapshotPauseVerb implements Verb<MergeName, Nothing, MergePaused> {
  public static final Call<MergeName, Nothing, MergePaused> CALL =
      Call.of(
          "snapshot pause",
          "Pauses a merge, also over a restart.",
          MergeName.class,
          MergePaused.class);

  private final Snapshots snapshots;

  SnapshotPauseVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<MergeName, Nothing, MergePaused> call() {
    return CALL;
  }

  @Override
  public MergePaused run(MergeName arguments, Caller<Nothing> caller) throws RefusedException {
    snapshots.pause(arguments.name(), true);
    return new MergePaused(arguments.name(), true);
  }
}
