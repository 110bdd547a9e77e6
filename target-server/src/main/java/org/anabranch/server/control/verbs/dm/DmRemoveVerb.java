// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm remove}. */
public final class DmRemoveVerb implements Verb<DmRemoveVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of("dm remove", "Removes devices that nobody uses.", Arguments.class, Done.class);

  /** Which devices. */
  public record Arguments(
      @Doc("of devices; stops at the first that refuses") List<String> names,
      @Doc("let all requests of a device that is in use fail from now on; it stays")
          boolean force) {}

  private final DeviceMapper mapper;
  private final RuntimeDevices made;

  DmRemoveVerb(DeviceMapper mapper, RuntimeDevices made) {
    this.mapper = mapper;
    this.made = made;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return Done.each(
        new Names(arguments.names()),
        name -> {
          if (!made.isLeftOut(name)) {
            DmVerbs.refuseAbsent("dm remove", name, mapper);
          }
          made.remove(name, arguments.force());
        });
  }
}
