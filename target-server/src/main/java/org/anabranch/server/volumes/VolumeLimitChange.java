// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.util.Set;
import java.util.function.UnaryOperator;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.rate.SharedLimits;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;

/**
 * {@code volume limit}. The limits of a volume that a command made are durable in the state before
 * they are in force; those of a volume of the configuration file last until the server stops,
 * unless several servers can serve it ({@link SharedLimits}). Any thread, which may wait.
 */
public final class VolumeLimitChange {
  private final LiveConfiguration live;
  private final StateFile state;
  private final Changes changes;
  private final VolumeRates rates;
  private final SharedLimits shared;
  private final MadeVolumes made;

  public VolumeLimitChange(
      LiveConfiguration live,
      StateFile state,
      Changes changes,
      VolumeRates rates,
      SharedLimits shared) {
    this.live = live;
    this.state = state;
    this.changes = changes;
    this.rates = rates;
    this.shared = shared;
    this.made = new MadeVolumes(live, state);
  }

  /**
   * Changes the limits of a volume.
   *
   * @param fromConfigured whether the change begins with the limits of the configuration, and not
   *     with those in force; when it then changes nothing, the volume has those of the
   *     configuration from now on, also when they change
   * @param change what is to be in force, by what is; must not fail
   * @return what is in force now
   */
  public VolumeRates.InForce limit(
      String volume, boolean fromConfigured, UnaryOperator<VolumeLimits> change)
      throws RefusedException {
    refuseUnlessThere(volume);
    if (!made.isMade(volume) && shared.carries(volume)) {
      changes.lock();
      try {
        return shared.limit(volume, fromConfigured, change);
      } finally {
        changes.unlock();
      }
    }
    if (!made.isMade(volume)) { // nothing is written, and so it does not wait for its turn
      if (fromConfigured) {
        rates.limitAsConfigured(volume);
      }
      return rates.limit(volume, change);
    }
    changes.lock();
    try {
      VolumeState before = state.state().volumes().get(volume);
      if (before == null || !made.isMade(volume)) {
        refuseUnlessThere(volume);
        throw new RefusedException("volume " + volume + " has just changed; try again");
      }
      VolumeLimits configured = rates.configured(volume);
      VolumeLimits now = change.apply(fromConfigured ? configured : rates.inForce(volume).limits());
      VolumeLimits kept = fromConfigured && now.equals(configured) ? null : now;
      state.replace(state.state().with(before.limited(kept)));
      live.made(state.state().made());
      rates.configured(live.effective());
      return rates.inForce(volume);
    } finally {
      changes.unlock();
    }
  }

  private void refuseUnlessThere(String volume) throws RefusedException {
    Set<String> volumes = live.configured().volumes().keySet();
    if (!volumes.contains(volume)) {
      throw RefusedException.absent("volume", volume, volumes);
    }
  }
}
