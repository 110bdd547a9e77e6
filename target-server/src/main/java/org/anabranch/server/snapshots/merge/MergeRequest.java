// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to roll volumes back, each to one snapshot: at one instant, all or none.
 *
 * @param snapshots {@code volume@name} of each
 * @param begin when
 * @param timeLimit how long {@link Begin#ON_NEXT_LOGIN} holds; then it is {@link Begin#WHEN_UNUSED}
 * @param assumeGone an initiator that is cut off and is not waited for, see {@link
 *     org.anabranch.server.uses.Uses#assumeGone}; null: none
 * @param throttle the most bytes a second that the merge may move, from now on and over restarts;
 *     0: as many as it can; null: as it was
 * @param keep the snapshots are there afterwards, with empty stores. One that was asked for with it
 *     keeps its snapshot also when it is asked for again without
 */
public record MergeRequest(
    List<String> snapshots,
    Begin begin,
    Duration timeLimit,
    @Nullable String assumeGone,
    @Nullable Long throttle,
    boolean keep) {
  /** When a merge begins. */
  public enum Begin {
    /** When nobody uses the volume or the snapshot: see {@link org.anabranch.server.uses.Uses}. */
    WHEN_UNUSED,
    /**
     * At the next login of the initiator that uses the volume, before that login is answered. This
     * is for a host that reboots without logging out.
     */
    ON_NEXT_LOGIN,
    /** Now, under initiators. They are told by a unit attention. */
    NOW
  }

  /** How long {@link Begin#ON_NEXT_LOGIN} holds unless something else is said. */
  public static final Duration TIME_LIMIT = Duration.ofMinutes(15);

  /** The longest time limit. */
  public static final Duration MAX_TIME_LIMIT = Duration.ofDays(1);

  /** Without anything special. */
  public static MergeRequest of(String snapshot, Begin begin) {
    return new MergeRequest(List.of(snapshot), begin, TIME_LIMIT, null, null, false);
  }

  /** The same, and the snapshots are kept. */
  public static MergeRequest keeping(Begin begin, String... snapshots) {
    return new MergeRequest(List.of(snapshots), begin, TIME_LIMIT, null, null, true);
  }
}
