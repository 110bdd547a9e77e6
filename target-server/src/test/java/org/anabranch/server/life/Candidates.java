// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.anabranch.server.life.World.Snap;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;

/** The worlds that a server may have: one, or after a change that was not answered two. */
final class Candidates {
  private Candidates() {}

  /**
   * A world with the merges that have begun or ended by themselves since it was noted.
   *
   * @param reached what merges came to
   */
  static World advanced(World world, Map<String, SnapshotState> listed, Set<LifeReached> reached) {
    World now = world;
    for (Map.Entry<String, Snap> each : world.snapshots().entrySet()) {
      SnapshotState found = listed.get(each.getKey());
      boolean waits = found != null && found.phase() == Phase.QUEUED;
      if (each.getValue().phase() == Phase.QUEUED && !waits) {
        now = ended(now, World.volumeOf(each.getKey()), reached);
        now = now.merging(each.getKey(), each.getValue().keeps());
      }
    }
    for (Map.Entry<String, Snap> each : now.snapshots().entrySet()) {
      SnapshotState found = listed.get(each.getKey());
      boolean goesOn = found != null && found.phase() == Phase.MERGING;
      if (each.getValue().phase() == Phase.MERGING && !goesOn) {
        reached.add(each.getValue().keeps() ? LifeReached.KEPT : LifeReached.MERGED);
        now = now.merged(each.getKey());
      }
    }
    return now;
  }

  private static World ended(World world, String volume, Set<LifeReached> reached) {
    World now = world;
    for (Map.Entry<String, Snap> each : world.snapshots().entrySet()) {
      if (World.volumeOf(each.getKey()).equals(volume)
          && each.getValue().phase() == Phase.MERGING) {
        reached.add(each.getValue().keeps() ? LifeReached.KEPT : LifeReached.MERGED);
        now = now.merged(each.getKey());
      }
    }
    return now;
  }

  /**
   * Which of some worlds a server has: the first one that fits.
   *
   * @param strict for which devices every write must be there
   * @throws AssertionError when it has none of them
   */
  static int fitting(List<World> worlds, LifeServer.Found found, Predicate<String> strict) {
    List<String> wrong = new ArrayList<>();
    for (World world : worlds) {
      World now = advanced(world, found.snapshots(), EnumSet.noneOf(LifeReached.class));
      String difference = difference(now, found, strict);
      if (difference.isEmpty()) {
        return wrong.size();
      }
      wrong.add(difference);
    }
    throw new AssertionError(String.join("; or ", wrong));
  }

  private static String difference(World world, LifeServer.Found found, Predicate<String> strict) {
    if (!world.volumes().keySet().equals(found.volumes())) {
      return "volumes " + found.volumes() + ", not " + world.volumes().keySet();
    }
    Set<String> there = new TreeSet<>();
    for (SnapshotState each : found.snapshots().values()) {
      if (each.phase() == Phase.REMOVING) {
        continue; // it is as good as gone
      }
      there.add(each.device());
      Snap expected = world.snapshots().get(each.device());
      if (expected != null && expected.phase() != each.phase()) {
        return each.device() + " is " + each.phase() + ", not " + expected.phase();
      }
      if (expected != null && !expected.description().equals(each.description())) {
        return each.device() + " is described by " + each.description();
      }
    }
    if (!world.snapshots().keySet().equals(there)) {
      return "snapshots " + there + ", not " + world.snapshots().keySet();
    }
    for (Map.Entry<String, Contents> each : found.read().entrySet()) {
      String wrong =
          world.contents(each.getKey()).wrong(each.getValue(), strict.test(each.getKey()));
      if (!wrong.isEmpty()) {
        return each.getKey() + ": " + wrong;
      }
    }
    return "";
  }
}
