// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.dm.DeviceInfo;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code dm ls}. */
public final class DmLsVerb implements Verb<DmLsVerb.Arguments, Nothing, DmLsVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("dm ls", "Lists the names of mapped devices.", Arguments.class, Result.class);

  /** Which ones. */
  public record Arguments(
      @Doc("only devices with such a target; absent: all") @Nullable String target) {}

  /** The devices. */
  public record Result(@Doc("by name") List<Device> devices) {}

  /** One of them. */
  public record Device(
      @Doc("its name") String name,
      @Doc("always the same") int major,
      @Doc("while the device lives; there is no node for it") int minor) {}

  private final DeviceMapper mapper;

  DmLsVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    try {
      List<Device> devices = new ArrayList<>();
      for (String name : mapper.ls()) {
        if (arguments.target() == null
            || !DeviceRows.of(mapper.table(name), arguments.target()).isEmpty()) {
          devices.add(new Device(name, DeviceInfo.MAJOR, mapper.info(name).minor()));
        }
      }
      return new Result(devices);
    } catch (TableException e) {
      throw new RefusedException("dm ls: " + e.getMessage(), e);
    }
  }
}
