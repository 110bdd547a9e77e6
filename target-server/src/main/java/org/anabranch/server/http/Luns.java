// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import java.util.List;
import org.anabranch.config.Configuration;

/** Which device is which LUN. */
public record Luns(List<Lun> luns) {
  /** One LUN of one target. */
  public record Lun(String target, int lun, String device, boolean readOnly) {}

  static Luns of(Configuration configuration) {
    return new Luns(
        configuration.targets().values().stream()
            .flatMap(target ->
                target.luns().values().stream()
                    .map(lun -> new Lun(target.name(), lun.number(), lun.device(), lun.readOnly())))
            .toList());
  }
}
