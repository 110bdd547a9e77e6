// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.naming.IscsiName;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.LunState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Storage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code lun add} and {@code lun remove}. Initiators are told by the unit attention REPORTED LUNS
 * DATA HAS CHANGED (3F/0E). Any thread, which may wait.
 */
public final class RuntimeLuns implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(RuntimeLuns.class);

  private final LiveConfiguration live;
  private final Storage storage;
  private final StateFile state;
  private final Changes changes;
  private final EffectiveChange effective;

  public RuntimeLuns(
      LiveConfiguration live,
      Storage storage,
      StateFile state,
      Changes changes,
      EffectiveChange effective) {
    this.live = live;
    this.storage = storage;
    this.state = state;
    this.changes = changes;
    this.effective = effective;
  }

  /**
   * Shows a device as a LUN.
   *
   * @param target as configured
   * @param number 0 to 16383, not taken
   * @param device a volume, a device or a snapshot that there is
   * @param readOnly initiators cannot write by this LUN
   */
  public void add(String target, int number, String device, boolean readOnly)
      throws RefusedException {
    changes.lock();
    try {
      TargetConfig node = target(target);
      String what = "target " + node.name() + ", LUN " + number + ": ";
      if (number < 0 || number > LunConfig.MAX_NUMBER) {
        throw new RefusedException(what + "allowed are 0 to " + LunConfig.MAX_NUMBER);
      }
      LunConfig taken = node.luns().get(number);
      if (taken != null) {
        throw new RefusedException(
            what
                + "it is "
                + taken.device()
                + " already; choose another number, or remove that LUN first");
      }
      storage.refuseIfLeftOut(device);
      if (!storage.devices().has(device)) {
        Set<String> there = new TreeSet<>(storage.mapper().ls());
        throw RefusedException.absent("volume, device or snapshot", device, there);
      }
      effective.apply(state.state().with(new LunState(node.name(), number, device, readOnly)));
      LOG.info("target {}: LUN {} is {} now", node.name(), number, device);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Takes a LUN away that was added at run time.
   *
   * @param force also when sessions see it
   * @return the device that it was
   */
  public String remove(String target, int number, boolean force) throws RefusedException {
    changes.lock();
    try {
      String name = IscsiName.normalise(target);
      LunState lun =
          state.state().luns().stream()
              .filter(each -> each.is(name, number))
              .findAny()
              .orElse(null);
      Configuration file = live.file();
      TargetConfig configured = file.targets().get(name);
      if (lun == null) {
        target(name);
        throw new RefusedException(
            "target "
                + name
                + (configured != null && configured.luns().containsKey(number)
                    ? ": LUN " + number + " is in the configuration; change that, and reload"
                    : " has no LUN " + number + " that was added at run time"));
      }
      boolean hasEffect = live.effective().made().hasLun(file, name, number);
      if (hasEffect && !force) {
        List<String> lost = effective.lostWith(state.state().without(lun));
        if (!lost.isEmpty()) {
          throw new RefusedException(
              String.join("\n", lost) + "\nlog out there first, or use --force");
        }
      }
      effective.apply(state.state().without(lun));
      LOG.info("target {}: LUN {} ({}) removed", name, number, lun.device());
      return lun.device();
    } finally {
      changes.unlock();
    }
  }

  /** What is configured by the file, and what was made at run time besides. */
  public EffectiveConfiguration effective() {
    return live.effective();
  }

  /** Whether there is such a device: otherwise initiators do not see its LUNs. */
  public boolean isPresent(String device) {
    return storage.devices().has(device);
  }

  private TargetConfig target(String name) throws RefusedException {
    TargetConfig found = live.configured().targets().get(IscsiName.normalise(name));
    if (found == null) {
      throw RefusedException.absent("target", name, live.configured().targets().keySet());
    }
    return found;
  }

  /** Volumes and LUNs that have no effect because of the configuration file. */
  @Override
  public List<Warning> warnings() {
    return live.effective().made().without(live.file());
  }
}
