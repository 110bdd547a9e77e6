// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.List;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.TargetConfig;

/**
 * What was found in another server's configuration, in our terms.
 *
 * @param server the other server's name
 * @param source the file that was read
 * @param portals where it listens, and the portal groups
 * @param volumes in the order in which they were found
 * @param targets in the order in which they were found; each has a LUN
 * @param discovery what an initiator must prove in discovery; empty: nothing
 * @param losses what differs here
 */
public record ImportedConfiguration(
    String server,
    String source,
    List<ImportedPortal> portals,
    List<ImportedVolume> volumes,
    List<TargetConfig> targets,
    List<ChapConfig> discovery,
    List<Losses.Loss> losses) {
  /**
   * Where the other server listens.
   *
   * @param address ADDRESS:PORT
   * @param group the tag of its portal group here
   */
  record ImportedPortal(String address, int group) {}
}
