// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.LunUse;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;

/**
 * The initiators that are logged in, for snapshots.
 *
 * @param sessionInfos those that are logged in now
 */
record LoggedIn(
    LiveConfiguration live,
    Storage storage,
    Targets targets,
    Uses uses,
    Supplier<List<SessionInfo>> sessionInfos)
    implements Initiators {
  @Override
  public int sessions(String device) {
    return new LunUse(live.configured(), sessionInfos.get()).of(targets.madeOf(device)).size();
  }

  @Override
  public void appeared(String device) throws RefusedException {
    targets.appeared(device);
  }

  @Override
  public void vanishing(String device) throws RefusedException {
    targets.vanishing(device);
  }

  @Override
  public void renaming(Map<String, String> names) throws RefusedException {
    targets.renaming(names);
  }

  @Override
  public void renamed(Map<String, String> names) {
    targets.renamed(names);
    uses.sees(new ConfiguredLuns(live.configured(), storage));
  }

  @Override
  public void contentsChanged(String device) {
    targets.contentsChanged(device);
  }
}
