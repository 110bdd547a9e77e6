// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.anabranch.server.control.Json;

/** Whom a merge waits for, and what to do about it, in words. */
final class WaitText {
  private WaitText() {}

  /**
   * In one line, such as {@code for iqn.1993-08.org.debian:01:a, cut off since
   * 2026-11-29T20:00:00Z}.
   *
   * @param object what {@code snapshot list --json} has for a snapshot that waits to be merged
   */
  static String line(Map<?, ?> object) {
    List<String> users = users(object);
    if (object.get("on-next-login-until") != null) {
      return "for the next login of " + String.join("; ", users);
    }
    return users.isEmpty() ? "for another merge or an export" : "for " + String.join("; ", users);
  }

  private static List<String> users(Map<?, ?> object) {
    List<String> users = new ArrayList<>();
    for (Map<?, ?> user : Json.objects(object, "waits-for")) {
      if (Boolean.TRUE.equals(user.get("connected"))) {
        users.add(user.get("initiator") + ", logged in");
      } else if (user.get("cut-off-since") != null) {
        users.add(user.get("initiator") + ", cut off since " + user.get("cut-off-since"));
      } else {
        users.add("initiators that are not recorded (unknown)");
      }
    }
    return users;
  }

  /** What {@code snapshot merge} answers for a merge that waits. */
  static String answer(String snapshot, Map<?, ?> result) {
    Object volume = result.get("volume");
    List<String> users = users(result);
    if (result.get("on-next-login-until") != null) {
      return """
      volume %s will be rolled back at the next login of %s
      reboot it now: until %s, a connection that is lost and comes back looks like the reboot
      after that, the merge waits until nobody uses the volume\
      """
          .formatted(volume, String.join("; ", users), result.get("on-next-login-until"));
    }
    if (users.isEmpty()) {
      return "volume "
          + volume
          + " will be rolled back when no other merge and no export of "
          + snapshot
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
