// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code dm table}. */
public final class DmTableVerb implements Verb<DmTableVerb.Arguments, Nothing, DeviceRows.Result> {
  public static final Call<Arguments, Nothing, DeviceRows.Result> CALL =
      Call.of("dm table", "Shows tables.", Arguments.class, DeviceRows.Result.class);

  /** Which ones. */
  public record Arguments(
      @Doc("of devices; empty: all devices") List<String> names,
      @Doc("the table that was loaded and not resumed") boolean inactive,
      @Doc("only rows of this target type") @Nullable String target) {}

  private final DeviceMapper mapper;

  DmTableVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Nothing, DeviceRows.Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public DeviceRows.Result run(Arguments arguments, Caller<Nothing> caller)
      throws RefusedException {
    return DeviceRows.each(
        "dm table",
        mapper,
        arguments.names(),
        arguments.target(),
        arguments.inactive() ? mapper::inactiveTable : mapper::table);
  }
}
