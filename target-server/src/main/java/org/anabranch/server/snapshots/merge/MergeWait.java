// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Instant;
import java.util.List;
import org.anabranch.server.uses.User;
import org.jspecify.annotations.Nullable;

/**
 * What a merge waits for that begins when nobody uses the volume.
 *
 * @param users who must log out, or must be said to be gone
 * @param onNextLoginUntil until when it begins at the next login; null: it does not
 * @param restarted whether it was to begin at the next login, and a restart of the server came
 *     before that: since then it waits as others do
 */
public record MergeWait(List<User> users, @Nullable Instant onNextLoginUntil, boolean restarted) {
  /** For merges that do not wait. */
  static final MergeWait NONE = new MergeWait(List.of(), null, false);
}
