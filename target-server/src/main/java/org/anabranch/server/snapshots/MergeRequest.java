// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A request to roll a volume back.
 *
 * @param snapshot {@code volume@name}
 * @param begin when
 * @param timeLimit how long {@link Begin#ON_NEXT_LOGIN} holds; then it is {@link Begin#WHEN_UNUSED}
 * @param assumeGone an initiator that is cut off and is not waited for, see {@link
 *     org.anabranch.server.uses.Uses#assumeGone}; null: none
 * @param throttle the most bytes a second that the merge may move, from now on and over restarts;
 *     0: as many as it can; null: as it was
 */
public record MergeRequest(
    String snapshot,
    Begin begin,
    Duration timeLimit,
    @Nullable String assumeGone,
    @Nullable Long throttle) {
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
    return new MergeRequest(snapshot, begin, TIME_LIMIT, null, null);
  }
}
