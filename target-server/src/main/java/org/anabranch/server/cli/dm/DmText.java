// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.dm;

import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.server.control.verbs.dm.DeviceRows;
import org.anabranch.server.control.verbs.dm.DmDepsVerb;
import org.anabranch.server.control.verbs.dm.DmInfoVerb;
import org.anabranch.server.control.verbs.dm.DmLsVerb;
import org.anabranch.server.control.verbs.dm.DmMessageVerb;
import org.anabranch.server.control.verbs.dm.DmTargetsVerb;
import org.anabranch.server.control.verbs.dm.Done;

/** The answers of the {@code dm} verbs as dmsetup prints them. */
public final class DmText {
  private static final String NO_DEVICES = "No devices found\n";

  private DmText() {}

  public static String ls(DmLsVerb.Result result) {
    return result.devices().isEmpty()
        ? NO_DEVICES
        : result.devices().stream()
            .map(each -> each.name() + "\t(" + each.major() + ":" + each.minor() + ")\n")
            .collect(Collectors.joining());
  }

  public static String targets(DmTargetsVerb.Result result) {
    return result.targets().stream()
        .map(type -> String.format("%-16s %s%n", type.name(), type.version()))
        .collect(Collectors.joining());
  }

  /**
   * The rows of one device, or those of several with the device's name in front.
   *
   * @param names what was asked for; empty: all devices
   */
  public static String rows(DeviceRows.Result result, List<String> names) {
    if (names.isEmpty() && result.devices().isEmpty()) {
      return NO_DEVICES;
    }
    StringBuilder text = new StringBuilder();
    for (DeviceRows.Device device : result.devices()) {
      String prefix = names.size() == 1 ? "" : device.name() + ": ";
      if (names.isEmpty() && device.targets().isEmpty()) {
        text.append(prefix).append('\n');
      }
      for (DeviceRows.Row row : device.targets()) {
        text.append(prefix)
            .append(row.start() + " " + row.length() + " " + row.type() + " " + row.params())
            .append('\n');
      }
    }
    return text.toString();
  }

  public static String info(DmInfoVerb.Result result) {
    return result.devices().isEmpty()
        ? NO_DEVICES
        : result.devices().stream().map(DmInfoVerb.Device::text).collect(Collectors.joining());
  }

  /** The lines of {@code dmsetup deps}; a file has no number here and is shown by its path. */
  public static String deps(DmDepsVerb.Result result, List<String> names, boolean byName) {
    if (result.devices().isEmpty()) {
      return NO_DEVICES;
    }
    StringBuilder text = new StringBuilder();
    for (DmDepsVerb.Device device : result.devices()) {
      text.append(names.size() == 1 ? "" : device.name() + ": ")
          .append(device.dependencies().size())
          .append(" dependencies\t:");
      for (DmDepsVerb.Dependency each : device.dependencies()) {
        Integer major = each.major();
        text.append(" (")
            .append(byName || major == null ? each.name() : major + ", " + each.minor())
            .append(')');
      }
      text.append('\n');
    }
    return text.toString();
  }

  public static String reply(DmMessageVerb.Result result) {
    return result.reply().isEmpty() ? "" : result.reply() + "\n";
  }

  /** As dmsetup, a verb that has done what it was asked prints nothing. */
  public static String done(Done result) {
    return "";
  }
}
