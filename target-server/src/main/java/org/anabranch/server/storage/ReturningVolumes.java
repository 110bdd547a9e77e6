// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.config.Configuration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;

/** Volumes that come back into the configuration with the snapshots that they had. */
public final class ReturningVolumes {
  private ReturningVolumes() {}

  /**
   * Leaves out the volumes that a new configuration adds and that have snapshots already, or a
   * stream that was received for them, with the new devices above them: they come back as what was
   * left out does, with their snapshots, and what was received.
   *
   * @param received volumes that a stream waits for
   * @return their names
   */
  public static Set<String> leaveOut(
      Configuration before,
      Configuration after,
      RuntimeState state,
      Set<String> received,
      LeftOut leftOut) {
    Set<String> returning = new LinkedHashSet<>();
    Set<String> known = new LinkedHashSet<>(received);
    state.snapshots().values().forEach(snapshot -> known.add(snapshot.volume()));
    for (String volume : known) {
      if (after.volumes().containsKey(volume)
          && !before.volumes().containsKey(volume)
          && leftOut.get(volume) == null) {
        returning.add(volume);
      }
    }
    Map<String, List<DeviceRef>> below = TableText.below(after);
    for (String device : TableOrder.of(below).devices()) {
      boolean above =
          below.getOrDefault(device, List.of()).stream()
              .anyMatch(each ->
                  each instanceof DeviceRef.Named named && returning.contains(named.name()));
      if (above && !before.devices().containsKey(device)) {
        returning.add(device);
      }
    }
    for (String name : returning) {
      leftOut.add(
          after.volumes().containsKey(name) ? LeftOut.Kind.VOLUME : LeftOut.Kind.DEVICE,
          name,
          new RefusedException("it is being added with what the server knows of it"));
    }
    return returning;
  }
}
