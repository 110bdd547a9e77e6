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

/** {@code dm info}. */
public final class DmInfoVerb implements Verb<DmInfoVerb.Arguments, Nothing, DmInfoVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("dm info", "Shows the state of devices.", Arguments.class, Result.class);

  /** Which ones. */
  public record Arguments(@Doc("of devices; empty: all devices") List<String> names) {}

  /** The devices. */
  public record Result(@Doc("in the order asked for, or by name") List<Device> devices) {}

  /** One of them. */
  public record Device(
      @Doc("its name") String name,
      @Doc("whether requests wait") boolean suspended,
      @Doc("whether there is a live table") boolean live,
      @Doc("whether a table is loaded for the next resume") boolean inactive,
      @Doc("how many tables and others hold it open") int openCount,
      @Doc("how many events its targets have raised") long eventNumber,
      @Doc("always the same") int major,
      @Doc("while the device lives; there is no node for it") int minor,
      @Doc("rows of the live table") int targets,
      @Doc("whether it was created read-only: writes fail") boolean readOnly) {
    private static Device of(DeviceInfo info) {
      return new Device(
          info.name(),
          info.suspended(),
          info.live(),
          info.inactive(),
          info.openCount(),
          info.eventNumber(),
          DeviceInfo.MAJOR,
          info.minor(),
          info.targets(),
          info.readOnly());
    }

    /** The lines that dmsetup prints. */
    public String text() {
      return new DeviceInfo(
              name, suspended, live, inactive, openCount, eventNumber, minor, targets, readOnly)
          .text();
    }
  }

  private final DeviceMapper mapper;

  DmInfoVerb(DeviceMapper mapper) {
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
    List<Device> devices = new ArrayList<>();
    for (String name : arguments.names().isEmpty() ? mapper.ls() : arguments.names()) {
      try {
        devices.add(Device.of(mapper.info(name)));
      } catch (TableException e) {
        throw DmVerbs.refusal("dm info", name, e);
      }
    }
    return new Result(devices);
  }
}
