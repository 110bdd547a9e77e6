// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SharedEntries;

/**
 * The shared snapshots of one volume as the text that its image carries: the same as {@code
 * state.json} has of them, with the version of that. The volume is called {@value #VOLUME} there,
 * since each server may give it a name of its own, and stores have the names that all servers know.
 */
final class SharedText {
  private static final String VOLUME = "volume";
  private static final Path NOWHERE = Path.of("/");

  private SharedText() {}

  private static StateText text(String volume) {
    return new StateText(
        Path.of("the state that the image of volume " + volume + " carries"),
        new StatePaths(NOWHERE));
  }

  /** The text of a volume; empty when it has no shared snapshots. */
  static String render(RuntimeState state, String volume, SharedEntries shared)
      throws RefusedException {
    RuntimeState its = RuntimeState.EMPTY;
    for (SnapshotState snapshot : state.sharedSnapshots()) {
      if (snapshot.volume().equals(volume)) {
        its =
            its.with(
                snapshot.addressed(null, shared.common(volume)).named(VOLUME, snapshot.name()));
      }
    }
    return its.snapshots().isEmpty() ? "" : text(volume).render(its);
  }

  private static RefusedException unreadable(
      String volume, String reason, String remedy, Exception cause) {
    return new RefusedException(
        "the snapshots that the image of volume "
            + volume
            + " carries cannot be read: "
            + reason
            + "; a write to the volume would destroy them, so it is not served: "
            + remedy,
        cause);
  }

  /** The snapshots that a text stands for, as snapshots of a volume here. */
  static List<SnapshotState> parse(
      String written, String volume, String origin, SharedEntries shared) throws RefusedException {
    List<SnapshotState> snapshots = new ArrayList<>();
    if (written.isEmpty()) {
      return snapshots;
    }
    try {
      for (SnapshotState each : text(volume).parse(written).snapshots().values()) {
        snapshots.add(each.addressed(origin, shared.address(volume)).named(volume, each.name()));
      }
      return snapshots;
    } catch (StateText.Damage | IllegalArgumentException e) {
      throw unreadable(
          volume,
          String.valueOf(e.getMessage()),
          "put back what it was, or give the snapshots up: "
              + shared.removal(volume)
              + ", and delete their stores",
          e);
    } catch (RefusedException e) {
      throw unreadable(
          volume, "a newer version of the server wrote them", "upgrade this server", e);
    }
  }
}
