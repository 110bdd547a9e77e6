// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;
import org.jspecify.annotations.Nullable;

/** How far a merge is, for whoever waits for it. */
public record MergeStep(
    @Doc("VOLUME@NAME") String name,
    @Doc("as in snapshot list") SnapshotFacts.Phase phase,
    @Doc(value = "as in snapshot list; absent until it begins", listedIn = "snapshot list")
        @Nullable MergeEntry merge) {}
