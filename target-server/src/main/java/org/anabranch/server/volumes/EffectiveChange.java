// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.anabranch.config.Configuration;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.LunUse;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;

/**
 * The way from what is served to what is to be served when volumes or LUNs made at run time change.
 * It is the way of a reload: initiators that see other LUNs afterwards are told so. By its turn in
 * {@code Changes}.
 */
public final class EffectiveChange {
  private final LiveConfiguration live;
  private final Storage storage;
  private final Targets targets;
  private final StateFile state;
  private final Uses uses;
  private final Supplier<@Nullable IscsiServer> iscsi;

  /**
   * @param iscsi what listens; null until the server has started
   */
  public EffectiveChange(
      LiveConfiguration live,
      Storage storage,
      Targets targets,
      StateFile state,
      Uses uses,
      Supplier<@Nullable IscsiServer> iscsi) {
    this.live = live;
    this.storage = storage;
    this.targets = targets;
    this.state = state;
    this.uses = uses;
    this.iscsi = iscsi;
  }

  /**
   * Makes a state durable, and then what it means effective. All or nothing: when it is refused,
   * nothing has changed.
   */
  void apply(RuntimeState next) throws RefusedException {
    IscsiServer running = running();
    Configuration before = live.configured();
    EffectiveConfiguration after = live.effective().with(next.made());
    Targets.Change change;
    try {
      uses.willSee(new ConfiguredLuns(after.whole(), storage));
      change = targets.prepare(after);
      try {
        state.replace(next);
      } catch (RefusedException e) {
        change.cancel();
        throw e;
      }
    } catch (RefusedException e) {
      uses.sees(new ConfiguredLuns(before, storage));
      throw e;
    }
    var ended = change.commit(running, leftOut());
    uses.sees(new ConfiguredLuns(after.whole(), storage));
    Stages.await("commands of LUNs that were removed", ended);
  }

  private Set<String> leftOut() {
    return storage.leftOut().all().stream().map(LeftOut.Entry::name).collect(Collectors.toSet());
  }

  /** What sessions would lose with another state: a line for each LUN and session. */
  List<String> lostWith(RuntimeState next) throws RefusedException {
    return new LunUse(live.configured(), running().sessionInfos())
        .lostWith(live.effective().with(next.made()).whole(), Set.copyOf(storage.mapper().ls()));
  }

  private IscsiServer running() throws RefusedException {
    IscsiServer running = iscsi.get();
    if (running == null) {
      throw new RefusedException("the server is starting; try again when it is ready");
    }
    return running;
  }
}
