// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.util.List;
import java.util.function.Supplier;
import org.anabranch.config.Configuration;
import org.anabranch.server.control.Verb;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.Snapshots;

/** The list of the verbs for snapshots. */
public final class SnapshotVerbs {
  private SnapshotVerbs() {}

  /** All of them. */
  public static List<Verb<?, ?, ?>> all(
      Snapshots snapshots, Exports exports, Supplier<Configuration> configuration) {
    return List.of(
        new SnapshotCreateVerb(snapshots),
        new SnapshotAdoptVerb(snapshots),
        new SnapshotListVerb(snapshots, configuration),
        new SnapshotRemoveVerb(snapshots),
        new SnapshotRenameVerb(snapshots),
        new SnapshotDescribeVerb(snapshots),
        new SnapshotMergeVerb(snapshots),
        new SnapshotPauseVerb(snapshots),
        new SnapshotResumeVerb(snapshots),
        new SnapshotThrottleVerb(snapshots),
        new SnapshotDiffVerb(exports),
        new SnapshotExportVerb(exports));
  }
}
