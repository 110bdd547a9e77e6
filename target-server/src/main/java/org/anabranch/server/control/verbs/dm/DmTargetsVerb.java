// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm targets}. */
public final class DmTargetsVerb implements Verb<Nothing, Nothing, DmTargetsVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "dm targets",
          "Lists the types of targets that tables can name.",
          Nothing.class,
          Result.class);

  /** The types. */
  public record Result(@Doc("by name") List<Type> targets) {}

  /** One of them. */
  public record Type(@Doc("such as linear") String name, @Doc("of the target") String version) {}

  private final DeviceMapper mapper;

  DmTargetsVerb(DeviceMapper mapper) {
    this.mapper = mapper;
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
  public Result run(Nothing arguments, Caller<Nothing> caller) {
    return new Result(
        mapper.targets().stream().map(type -> new Type(type.name(), type.version())).toList());
  }
}
