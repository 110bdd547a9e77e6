// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.verbs.dm.DmVerbs;
import org.anabranch.server.control.verbs.luns.LunVerbs;
import org.anabranch.server.control.verbs.rates.VolumeLimitVerb;
import org.anabranch.server.control.verbs.schedules.ScheduleVerbs;
import org.anabranch.server.control.verbs.snapshots.SnapshotVerbs;
import org.anabranch.server.control.verbs.volumes.VolumeVerbs;

/** The list of all verbs of the control socket. A new verb is one more line here or below. */
public final class Verbs {
  private Verbs() {}

  /** All verbs, for one server. */
  public static List<Verb<?, ?, ?>> all(RunningServer server) {
    List<Verb<?, ?, ?>> verbs =
        new ArrayList<>(
            List.of(
                new StatusVerb(server),
                new StatsVerb(server),
                new SessionListVerb(server),
                new SessionDropVerb(server),
                new VolumeListVerb(server),
                new VolumeResizeVerb(server),
                new VolumeLimitVerb(server.limits()),
                new VolumeRetryVerb(server),
                new VolumeAdoptVerb(server),
                new VolumeTakeOverVerb(server),
                new VolumeImportVerb(server),
                new StateBackupVerb(server),
                new ReloadVerb(server)));
    verbs.addAll(VolumeVerbs.all(server.volumes()));
    verbs.addAll(LunVerbs.all(server.luns()));
    verbs.addAll(ScheduleVerbs.all(server.schedules()));
    verbs.addAll(SnapshotVerbs.all(server.snapshots(), server.exports(), server::configuration));
    verbs.addAll(DmVerbs.all(server.mapper(), server.runtimeDevices()));
    return verbs;
  }
}
