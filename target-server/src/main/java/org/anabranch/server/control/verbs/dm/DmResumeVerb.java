// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;

/** {@code dm resume}. */
public final class DmResumeVerb implements Verb<Names, Nothing, Done> {
  public static final Call<Names, Nothing, Done> CALL =
      Call.of(
          "dm resume", "Takes the loaded table, and lets requests flow.", Names.class, Done.class);

  private final DeviceMapper mapper;
  private final RuntimeDevices made;

  DmResumeVerb(DeviceMapper mapper, RuntimeDevices made) {
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
          Stages.<@Nullable Void>await("dm resume " + name, mapper.resume(name));
          made.resumed(name);
        });
  }
}
