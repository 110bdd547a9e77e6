// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.anabranch.server.control.Doc;
import org.anabranch.server.snapshots.merge.MergeWait;
import org.anabranch.server.uses.User;
import org.jspecify.annotations.Nullable;

/** Somebody for whom a merge waits. */
public record WaitEntry(
    @Doc("who uses the volume or the snapshot; unknown: initiators that are not recorded")
        String initiator,
    @Doc("where it logged in; empty for unknown") String target,
    @Doc("whether it is logged in now") boolean connected,
    @Doc("a time, when it is not connected; it has not logged out") @Nullable Instant cutOffSince) {
  static List<WaitEntry> of(MergeWait wait) {
    return wait.users().stream().map(WaitEntry::of).toList();
  }

  private static WaitEntry of(User user) {
    return new WaitEntry(
        user.initiator(),
        user.target(),
        user.isConnected() && !user.isUnknown(),
        inSeconds(user.cutOff()));
  }

  /** Nobody needs to know it more closely. */
  static @Nullable Instant inSeconds(@Nullable Instant time) {
    return time == null ? null : time.truncatedTo(ChronoUnit.SECONDS);
  }
}
