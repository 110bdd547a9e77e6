// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.anabranch.config.Configuration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/** {@code snapshot list}. */
public final class SnapshotListVerb
    implements Verb<SnapshotListVerb.Arguments, Nothing, SnapshotListVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("snapshot list", "Lists snapshots.", Arguments.class, Result.class);

  /** Which ones. */
  public record Arguments(@Doc("only its snapshots; absent: all") @Nullable String volume) {}

  /** The snapshots. */
  public record Result(@Doc("by volume and name") List<SnapshotEntry> snapshots) {}

  private final Snapshots snapshots;
  private final Supplier<Configuration> configuration;

  SnapshotListVerb(Snapshots snapshots, Supplier<Configuration> configuration) {
    this.snapshots = snapshots;
    this.configuration = configuration;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String volume = arguments.volume();
    List<SnapshotEntry> found = of(snapshots, volume);
    Set<String> volumes = configuration.get().volumes().keySet();
    if (volume != null && found.isEmpty() && !volumes.contains(volume)) {
      throw RefusedException.absent("volume", volume, volumes);
    }
    return new Result(found);
  }

  /**
   * All snapshots, or those of one volume.
   *
   * @param volume null for all
   */
  public static List<SnapshotEntry> of(Snapshots snapshots, @Nullable String volume)
      throws RefusedException {
    List<SnapshotEntry> entries = new ArrayList<>();
    for (SnapshotState snapshot : snapshots.list(volume)) {
      entries.add(SnapshotEntry.of(snapshot, snapshots));
    }
    return entries;
  }
}
