// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.block.Scheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.log.Logging;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.ReturningVolumes;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the configuration again and applies what has changed, see {@link ReloadPlan}: all of it, or
 * nothing. {@code status} warns while the file is one that was refused. One reload at a time, by
 * its turn in {@code Changes}.
 */
public final class Reloader implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(Reloader.class);

  private final ConfigurationSource source;
  private final LiveConfiguration live;
  private final Storage storage;
  private final Targets targets;
  private final StateFile state;
  private final Uses uses;
  private final Recovery recovery;
  private final Scheduler scheduler;

  /** Why the file was not applied the last time; null when it was. */
  private volatile @Nullable String refusal;

  public Reloader(
      ConfigurationSource source,
      LiveConfiguration live,
      Storage storage,
      Targets targets,
      StateFile state,
      Uses uses,
      Recovery recovery,
      Scheduler scheduler) {
    this.source = source;
    this.live = live;
    this.storage = storage;
    this.targets = targets;
    this.state = state;
    this.uses = uses;
    this.recovery = recovery;
    this.scheduler = scheduler;
  }

  /**
   * Reloads.
   *
   * @param iscsi what listens
   * @param force also when sessions lose LUNs that they see
   * @return a line for each change
   * @throws RefusedException with a line for each error; nothing has changed
   */
  public List<String> reload(IscsiServer iscsi, boolean force) throws RefusedException {
    try {
      Configuration before = live.configured();
      EffectiveConfiguration effective = live.effective().with(source.read());
      Configuration after = effective.whole();
      Set<String> returning =
          ReturningVolumes.leaveOut(
              before, after, state.state(), recovery.received(), storage.leftOut());
      Set<String> leftOut =
          storage.leftOut().all().stream().map(LeftOut.Entry::name).collect(Collectors.toSet());
      LunUse use = force ? null : new LunUse(before, iscsi.sessionInfos());
      Reload reload =
          new Reload(storage, targets, iscsi, state.state(), before, effective, leftOut, use);
      refusal = null;
      if (!reload.plan().isEmpty() || !leftOut.isEmpty()) {
        reload.commit(prepare(reload, before, after, returning));
        uses.sees(new ConfiguredLuns(after, storage));
        uses.grace(after.mergeGrace());
        Logging.configure(after.log());
      }
      reload.plan().summary().forEach(line -> LOG.info("reload: {}", line));
      List<String> lines = new ArrayList<>(reload.plan().summary());
      lines.addAll(recovery.retry());
      return lines;
    } catch (InvalidConfigurationException e) {
      refusal = e.getMessage();
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Who sees more LUNs afterwards uses them before they are there.
   *
   * @param returning what is left out until the reload has been done; not any more when it is
   *     refused
   */
  private Targets.Change prepare(
      Reload reload, Configuration before, Configuration after, Set<String> returning)
      throws RefusedException {
    try {
      uses.willSee(new ConfiguredLuns(after, storage));
      return reload.prepare(scheduler);
    } catch (RefusedException e) {
      returning.forEach(name -> storage.leftOut().remove(name));
      uses.sees(new ConfiguredLuns(before, storage));
      refusal = e.getMessage();
      throw e;
    }
  }

  @Override
  public List<Warning> warnings() {
    String reason = refusal;
    return reason == null
        ? List.of()
        : List.of(
            new Warning(
                "configuration",
                "the last reload was refused, and the server runs with the configuration from"
                    + " before: "
                    + reason.strip().replace("\n", "; "),
                "correct the file, then anabranch reload"));
  }
}
