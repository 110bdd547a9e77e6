// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.volumes.VolumeCopy;

/** {@code volume list}. */
public final class VolumeListVerb implements Verb<Nothing, Nothing, VolumeListVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "volume list",
          "Lists the volumes, configured or made at run time.",
          Nothing.class,
          Result.class);

  /** All volumes. */
  public record Result(@Doc("by name") List<VolumeEntry> volumes) {}

  private final RunningServer server;

  VolumeListVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) throws RefusedException {
    return new Result(all(server));
  }

  static List<VolumeEntry> all(RunningServer server) throws RefusedException {
    List<VolumeEntry> volumes = new ArrayList<>();
    for (VolumeConfig volume : server.configuration().volumes().values()) {
      volumes.add(VolumeEntry.of(volume, server));
    }
    for (VolumeCopy copy : server.volumes().copies()) {
      VolumeState made = server.volumes().all().get(copy.volume());
      if (made != null && made.phase() == VolumeState.Phase.MAKING) {
        volumes.add(VolumeEntry.of(made, copy));
      }
    }
    return volumes;
  }
}
