// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.naming.IscsiName;
import org.jspecify.annotations.Nullable;

/**
 * Which sessions use which LUNs of a configuration. A session counts as using every LUN that it can
 * see, since nobody can tell whether it is mounted; those that it cannot see because of a mask do
 * not count. Immutable.
 *
 * @param sessions those that are logged in
 */
public record LunUse(Configuration configuration, List<SessionInfo> sessions) {
  /** The sessions that see a LUN with one of these devices. */
  public List<SessionInfo> of(Set<String> devices) {
    return sessions.stream()
        .filter(session -> seen(session).stream().anyMatch(lun -> devices.contains(lun.device())))
        .toList();
  }

  private List<LunConfig> seen(SessionInfo session) {
    TargetConfig target = configuration.targets().get(session.target());
    return target == null
        ? List.of()
        : target.luns().values().stream()
            .filter(lun -> Translation.visibleTo(lun).test(session.initiator()))
            .toList();
  }

  /**
   * What sessions would lose with another configuration: a line for each LUN and session. A LUN
   * that would have another device, or become read-only or writable, is lost, too.
   *
   * @param present the devices that are there; a LUN of another one is not there to lose
   */
  public List<String> lostWith(Configuration after, Set<String> present) {
    List<String> lost = new ArrayList<>();
    for (SessionInfo session : sessions) {
      for (LunConfig lun : seen(session)) {
        if (present.contains(lun.device()) && !keeps(after, session, lun)) {
          lost.add(
              "target "
                  + session.target()
                  + ": LUN "
                  + lun.number()
                  + " ("
                  + lun.device()
                  + ") is in use by "
                  + session.initiator()
                  + " (session "
                  + session.tsih()
                  + ")");
        }
      }
    }
    return lost;
  }

  private static boolean keeps(Configuration after, SessionInfo session, LunConfig lun) {
    TargetConfig target = after.targets().get(session.target());
    @Nullable LunConfig now = target == null ? null : target.luns().get(lun.number());
    return target != null
        && now != null
        && now.device().equals(lun.device())
        && now.readOnly() == lun.readOnly()
        && target.access().admits(new IscsiName(session.initiator()), session.from().getAddress())
        && Translation.visibleTo(now).test(session.initiator());
  }

  /** Such as {@code iqn.2026-11.org.example:host (session 3)}. */
  public static String names(List<SessionInfo> sessions) {
    Set<String> names = new TreeSet<>();
    sessions.forEach(each -> names.add(each.initiator() + " (session " + each.tsih() + ")"));
    return String.join(", ", names);
  }
}
