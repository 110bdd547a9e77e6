// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;

/** The volumes that commands have made, as far as their names are asked for. Any thread. */
final class MadeVolumes {
  private final LiveConfiguration live;
  private final StateFile state;

  MadeVolumes(LiveConfiguration live, StateFile state) {
    this.live = live;
    this.state = state;
  }

  /** Whether there is a volume of this name, or one is being made. */
  boolean hasVolume(String name) {
    return live.configured().volumes().containsKey(name)
        || state.state().volumes().containsKey(name);
  }

  /** Whether a volume that is served was made at run time. */
  boolean isMade(String name) {
    VolumeState volume = state.state().volumes().get(name);
    return volume != null
        && volume.phase() == Phase.READY
        && !live.file().volumes().containsKey(name);
  }

  /** Where the image of a volume is, or will be, that was made at run time. */
  Path image(String name) {
    VolumeState volume = state.state().volumes().get(name);
    return volume == null ? live.configured().imageDir() : volume.path();
  }

  /** The snapshots of a volume, by their devices' names. */
  List<String> snapshots(String volume) {
    return state.state().snapshots().values().stream()
        .filter(each -> each.volume().equals(volume))
        .map(SnapshotState::device)
        .toList();
  }

  /** Refuses a change of a volume that no command has made. */
  RefusedException notMade(String what, String name) {
    Set<String> made = new TreeSet<>(state.state().volumes().keySet());
    return live.configured().volumes().containsKey(name)
        ? new RefusedException(
            "volume " + name + " is in the configuration: it is " + what + " there, with a reload")
        : new RefusedException(
            "no volume "
                + name
                + " was made by volume create"
                + (made.isEmpty() ? "; none was" : "; there are: " + String.join(", ", made)));
  }
}
