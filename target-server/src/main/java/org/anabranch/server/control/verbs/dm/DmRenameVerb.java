// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm rename}. */
public final class DmRenameVerb implements Verb<DmRenameVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of("dm rename", "Gives a device another name.", Arguments.class, Done.class);

  /** The names. */
  public record Arguments(@Doc("now") String name, @Doc("afterwards") String newName) {}

  private final DeviceMapper mapper;
  private final RuntimeDevices made;

  DmRenameVerb(DeviceMapper mapper, RuntimeDevices made) {
    this.mapper = mapper;
    this.made = made;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    DmVerbs.refuseAbsent("dm rename", arguments.name(), mapper);
    made.rename(arguments.name(), arguments.newName());
    return Done.of(arguments.name(), arguments.newName());
  }
}
