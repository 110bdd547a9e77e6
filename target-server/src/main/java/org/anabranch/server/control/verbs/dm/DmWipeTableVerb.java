// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm wipe_table}: of devices that {@code dm create} made, not of volumes. */
public final class DmWipeTableVerb implements Verb<Names, Nothing, Done> {
  public static final Call<Names, Nothing, Done> CALL =
      Call.of(
          "dm wipe_table",
          "Replaces tables by one that fails all requests, and lets go of what they held open.",
          Names.class,
          Done.class);

  private final DeviceMapper mapper;
  private final RuntimeDevices made;

  DmWipeTableVerb(DeviceMapper mapper, RuntimeDevices made) {
    this.mapper = mapper;
    this.made = made;
  }

  @Override
  public Call<Names, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Names arguments, Caller<Nothing> caller) throws RefusedException {
    return Done.each(
        arguments,
        name -> {
          DmVerbs.refuseAbsent("dm wipe_table", name, mapper);
          made.wipe(name);
        });
  }
}
