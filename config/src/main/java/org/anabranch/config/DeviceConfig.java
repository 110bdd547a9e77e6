// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.List;

/**
 * A mapped device.
 *
 * @param name unique among volumes and devices
 * @param table its rows, beginning at sector 0 and without gaps
 */
public record DeviceConfig(String name, List<TableLine> table) {
  public DeviceConfig {
    table = List.copyOf(table);
  }
}
