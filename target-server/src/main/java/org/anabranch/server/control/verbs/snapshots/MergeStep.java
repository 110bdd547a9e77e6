// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;
import org.jspecify.annotations.Nullable;

/** How far a merge is, for whoever waits for it. */
public record MergeStep(
    @Doc("VOLUME@NAME") String name,
    @Doc("as in snapshot list") SnapshotFacts.Phase phase,
    @Doc(value = "as in snapshot list; absent until it begins", listedIn = "snapshot list")
        @Nullable MergeEntry merge,
    @Doc("what is waited for before it begins or after it has begun, in words; absent: nothing")
        @Nullable String hook) {
  /** Without a hook. */
  public static MergeStep of(String name, SnapshotFacts.Phase phase, @Nullable MergeEntry merge) {
    return new MergeStep(name, phase, merge, null);
  }
}
