// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;

/** {@code dm load}. */
public final class DmLoadVerb implements Verb<DmLoadVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of(
          "dm load", "Gives a device a table for the next resume.", Arguments.class, Done.class);

  /** The device. */
  public record Arguments(
      @Doc("its name") String name, @Doc("as dmsetup writes it") String table) {}

  private final DeviceMapper mapper;

  DmLoadVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    Stages.<@Nullable Void>await(
        "dm load " + arguments.name(), mapper.load(arguments.name(), arguments.table()));
    return Done.of(arguments.name());
  }
}
