// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Verb;

/** The list of the {@code dm} verbs. */
public final class DmVerbs {
  private DmVerbs() {}

  /** All of them. */
  public static List<Verb<?, ?, ?>> all(DeviceMapper mapper, RuntimeDevices made) {
    return List.of(
        new DmLsVerb(mapper),
        new DmTargetsVerb(mapper),
        DmRowsVerb.table(mapper),
        DmRowsVerb.status(mapper),
        new DmInfoVerb(mapper),
        new DmCreateVerb(made),
        new DmLoadVerb(mapper),
        new DmClearVerb(mapper),
        new DmSuspendVerb(mapper),
        new DmResumeVerb(mapper, made),
        new DmRenameVerb(mapper, made),
        new DmRemoveVerb(mapper, made),
        new DmRemoveAllVerb(made),
        new DmWipeTableVerb(mapper, made),
        new DmDepsVerb(mapper),
        new DmWaitVerb(mapper),
        new DmMessageVerb(mapper));
  }

  static RefusedException refusal(String verb, String device, TableException e) {
    return new RefusedException(verb + " " + device + ": " + e.getMessage(), e);
  }

  static void refuseAbsent(String verb, String device, DeviceMapper mapper)
      throws RefusedException {
    try {
      mapper.info(device);
    } catch (TableException e) {
      throw refusal(verb, device, e);
    }
  }
}
