// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.server.control.verbs.dm.DeviceRows;
import org.anabranch.server.control.verbs.dm.DmInfoVerb;
import org.anabranch.server.control.verbs.dm.DmLsVerb;
import org.anabranch.server.control.verbs.dm.DmMessageVerb;
import org.anabranch.server.control.verbs.dm.DmTargetsVerb;
import org.anabranch.server.control.verbs.dm.Done;

/** The answers of the {@code dm} verbs as dmsetup prints them. */
final class DmText {
  private static final String NO_DEVICES = "No devices found\n";

  private DmText() {}

  static String ls(DmLsVerb.Result result) {
    return result.devices().isEmpty()
        ? NO_DEVICES
        : result.devices().stream()
            .map(each -> each.name() + "\t(" + each.major() + ":" + each.minor() + ")\n")
            .collect(Collectors.joining());
  }

  static String targets(DmTargetsVerb.Result result) {
    return result.targets().stream()
        .map(type -> String.format("%-16s %s%n", type.name(), type.version()))
        .collect(Collectors.joining());
  }

  /**
   * The rows of one device, or those of several with the device's name in front.
   *
   * @param names what was asked for; empty: all devices
   */
  static String rows(DeviceRows.Result result, List<String> names) {
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

  static String info(DmInfoVerb.Result result) {
    return result.devices().isEmpty()
        ? NO_DEVICES
        : result.devices().stream().map(DmInfoVerb.Device::text).collect(Collectors.joining());
  }

  static String reply(DmMessageVerb.Result result) {
    return result.reply().isEmpty() ? "" : result.reply() + "\n";
  }

  /** As dmsetup, a verb that has done what it was asked prints nothing. */
  static String done(Done result) {
    return "";
  }
}
