// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm remove}. */
public final class DmRemoveVerb implements Verb<Names, Nothing, Done> {
  public static final Call<Names, Nothing, Done> CALL =
      Call.of("dm remove", "Removes devices that nobody uses.", Names.class, Done.class);

  private final DeviceMapper mapper;
  private final RuntimeDevices made;

  DmRemoveVerb(DeviceMapper mapper, RuntimeDevices made) {
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
          if (!made.isLeftOut(name)) {
            DmVerbs.refuseAbsent("dm remove", name, mapper);
          }
          made.remove(name);
        });
  }
}
