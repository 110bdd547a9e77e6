// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.anabranch.server.control.verbs.snapshots.SnapshotMergeVerb;
import org.anabranch.server.control.verbs.snapshots.WaitEntry;
import org.jspecify.annotations.Nullable;

/** Whom a merge waits for, and what to do about it, in words. */
final class WaitText {
  private WaitText() {}

  /**
   * In one line, such as {@code for iqn.1993-08.org.debian:01:a, cut off since
   * 2026-11-29T20:00:00Z}.
   *
   * @param waitsFor whom
   * @param onNextLoginUntil null when it does not begin at the next login
   */
  static String line(List<WaitEntry> waitsFor, @Nullable Instant onNextLoginUntil) {
    List<String> users = users(waitsFor);
    if (onNextLoginUntil != null) {
      return "for the next login of " + String.join("; ", users);
    }
    return users.isEmpty()
        ? "for another rollback or an export"
        : "for " + String.join("; ", users);
  }

  private static List<String> users(List<WaitEntry> waitsFor) {
    return waitsFor.stream().map(WaitText::user).toList();
  }

  private static String user(WaitEntry user) {
    if (user.connected()) {
      return user.initiator() + ", logged in";
    }
    return user.cutOffSince() == null
        ? "initiators that are not recorded (unknown)"
        : user.initiator() + ", cut off since " + user.cutOffSince();
  }

  private static boolean isCutOff(SnapshotMergeVerb.Merged result) {
    return Objects.requireNonNullElse(result.waitsFor(), List.<WaitEntry>of()).stream()
        .anyMatch(user -> !user.connected());
  }

  /** What {@code snapshot merge} answers for a merge that waits. */
  static String answer(SnapshotMergeVerb.Merged result) {
    String volume = result.volume();
    List<String> users = users(Objects.requireNonNullElse(result.waitsFor(), List.of()));
    Instant until = result.onNextLoginUntil();
    if (until != null && isCutOff(result)) {
      // Its connection may come back by itself, such as when iscsid takes over after a boot.
      return """
      volume %s will be rolled back at the next login of %s
      if it is running and not rebooting, take this back at once (--cancel): its connection comes back, and that login rolls back what it has mounted
      after %s, the merge waits until nobody uses the volume\
      """
          .formatted(volume, String.join("; ", users), until);
    }
    if (until != null) {
      return """
      volume %s will be rolled back at the next login of %s
      reboot it now: until %s, a connection that is lost and comes back looks like the reboot
      after that, the merge waits until nobody uses the volume\
      """
          .formatted(volume, String.join("; ", users), until);
    }
    if (users.isEmpty()) {
      return "volume "
          + volume
          + " will be rolled back when no other rollback of it and no export of "
          + result.name()
          + " runs";
    }
    return """
    volume %s will be rolled back when nobody uses it; it waits for:
      %s
    a virtual machine: shut it down and start it again; or suspend it, snapshot merge --now, reset it, resume it
    a host that boots from it: snapshot merge --on-next-login, then reboot
    an initiator that will not come back: snapshot merge --assume-gone INITIATOR\
    """
        .formatted(volume, String.join("\n  ", users));
  }
}
