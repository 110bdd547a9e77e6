// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;

/** {@code dm suspend}. */
public final class DmSuspendVerb implements Verb<DmSuspendVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of("dm suspend", "Makes new requests wait.", Arguments.class, Done.class);

  /** Which devices. */
  public record Arguments(
      @Doc("of devices; stops at the first that refuses") List<String> names,
      @Doc("without waiting for queued work") boolean noflush) {}

  private final DeviceMapper mapper;

  DmSuspendVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return Done.each(
        new Names(arguments.names()),
        name ->
            Stages.<@Nullable Void>await(
                "dm suspend " + name,
                mapper.suspend(
                    name, arguments.noflush() ? SuspendMode.NOFLUSH : SuspendMode.FLUSH)));
  }
}
