// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.dm.DeviceInfo;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code dm deps}, and {@code dm ls --tree}. */
public final class DmDepsVerb implements Verb<DmDepsVerb.Arguments, Nothing, DmDepsVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "dm deps",
          "Lists the devices and files that live tables name.",
          Arguments.class,
          Result.class);

  /** Which ones. */
  public record Arguments(@Doc("of devices; empty: all devices") List<String> names) {}

  /** The devices. */
  public record Result(@Doc("in the order asked for, or by name") List<Device> devices) {}

  /** One of them. */
  public record Device(
      @Doc("its name") String name,
      @Doc("always the same") int major,
      @Doc("while the device lives; there is no node for it") int minor,
      @Doc("each once, in the order of the table") List<Dependency> dependencies) {}

  /** What a table names. */
  public record Dependency(
      @Doc("a device's name, or a file's path") String name,
      @Doc("of a device; absent: it is a file") @Nullable Integer major,
      @Doc("of a device") @Nullable Integer minor) {}

  private final DeviceMapper mapper;

  DmDepsVerb(DeviceMapper mapper) {
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
    List<String> all = mapper.ls();
    List<Device> devices = new ArrayList<>();
    for (String name : arguments.names().isEmpty() ? all : arguments.names()) {
      try {
        List<Dependency> dependencies = new ArrayList<>();
        for (DeviceRef below : mapper.dependencies(name)) {
          dependencies.add(dependency(below));
        }
        devices.add(new Device(name, DeviceInfo.MAJOR, mapper.info(name).minor(), dependencies));
      } catch (TableException e) {
        if (!arguments.names().isEmpty()) {
          throw DmVerbs.refusal("dm deps", name, e);
        } // of all devices, one that was removed meanwhile is left out
      }
    }
    return new Result(devices);
  }

  private Dependency dependency(DeviceRef below) throws TableException {
    return below instanceof DeviceRef.Named named && mapper.ls().contains(named.name())
        ? new Dependency(named.name(), DeviceInfo.MAJOR, mapper.info(named.name()).minor())
        : new Dependency(below.word(), null, null);
  }
}
