// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.List;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.control.Doc;
import org.anabranch.server.storage.Storage;

/** A configured target. */
public record TargetEntry(
    @Doc("its iSCSI name") String name,
    @Doc("by number") List<Lun> luns,
    @Doc("names of the initiators that are logged in, each once") List<String> initiators) {
  /** A configured LUN. */
  public record Lun(
      @Doc("from 0") int number,
      @Doc("a volume, a device or a snapshot") String device,
      @Doc("whether there is such a device now; otherwise initiators do not see the LUN")
          boolean present,
      @Doc("as configured for the LUN; a volume or snapshot may be read-only itself")
          boolean readOnly) {
    private static Lun of(LunConfig lun, Storage storage) {
      return new Lun(
          lun.number(), lun.device(), storage.devices().has(lun.device()), lun.readOnly());
    }
  }

  static TargetEntry of(TargetConfig target, Storage storage, List<SessionInfo> sessions) {
    return new TargetEntry(
        target.name(),
        target.luns().values().stream().map(lun -> Lun.of(lun, storage)).toList(),
        sessions.stream()
            .filter(session -> session.target().equals(target.name()))
            .map(SessionInfo::initiator)
            .distinct()
            .sorted()
            .toList());
  }
}
