// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.block.file.CrashFiles;
import org.anabranch.block.testing.Await;
import org.anabranch.server.life.disk.CrashDisk;
import org.anabranch.server.life.disk.CrashDisk.Crash;
import org.anabranch.server.life.disk.SyncEffect;
import org.anabranch.server.state.SnapshotState.Phase;

/**
 * One history: a server that lives several times on the same folder. Each life ends by a stop, a
 * kill or a power cut, before any step that changes a file, those of the start too; the next one
 * must have the world before the change that was not answered, or the one after it.
 *
 * <p>The seed decides what is asked and which step the crash comes before. Threads of the block
 * layer, such as a merge, take their steps when they come to it; so the same seed does nearly, not
 * exactly, the same again.
 */
final class LifeHistory {
  private static final int LIVES = 4;
  private static final int MOST_CHANGES = 40;
  private static final int MOST_STEPS = 220;
  private static final int MOST_START_STEPS = 25;

  private final SplittableRandom random;
  private final Path folder;
  private final Function<String, SyncEffect> effects;
  private final Consumer<String> trace;
  private final Set<LifeReached> reached = EnumSet.noneOf(LifeReached.class);

  private World world = World.EMPTY;

  /** What may have become of the change that was not answered. */
  private List<World> unanswered = List.of();

  private Crash last = Crash.KILL;

  /** Whether there was a power cut since it was seen in which world the server is. */
  private boolean cut;

  /** The device of a write that was not answered; empty: none was. */
  private String writing = "";

  private boolean wide;

  private LifeHistory(
      long seed, Path folder, Function<String, SyncEffect> effects, Consumer<String> trace) {
    this.random = new SplittableRandom(seed);
    this.folder = folder;
    this.effects = effects;
    this.trace = trace;
  }

  /**
   * Runs one.
   *
   * @param folder does not exist
   * @param effects what syncs do
   * @param trace hears of every step and every change
   * @return what it came to
   * @throws AssertionError when a server has not what it should
   */
  static Set<LifeReached> run(
      long seed, Path folder, Function<String, SyncEffect> effects, Consumer<String> trace)
      throws Exception {
    LifeHistory history = new LifeHistory(seed, folder, effects, trace);
    history.run();
    return history.reached;
  }

  private void run() throws Exception {
    Files.createDirectories(folder);
    world =
        world
            .withVolume("vm1", Contents.zeros(LifeServer.SECTORS))
            .withVolume("vm2", Contents.zeros(LifeServer.SECTORS));
    for (int life = 0; life < LIVES; life++) {
      live(life == LIVES - 1);
    }
  }

  private void live(boolean isLast) throws Exception {
    CrashDisk disk = new CrashDisk(folder, effects, trace);
    try (CrashFiles _ = CrashFiles.install(disk)) {
      if (!isLast && random.nextInt(4) == 0) {
        disk.crashIn(1 + random.nextInt(MOST_START_STEPS), crash(), random.split());
      }
      LifeServer server = LifeServer.start(folder, wide);
      try {
        if (disk.crashedBefore() != null) {
          reached.add(LifeReached.CRASH_IN_START);
        } else if (disk.cancelCrash()) {
          settle(server);
          changes(disk, server, isLast);
        }
      } catch (Exception | AssertionError e) {
        disk.crashNow(Crash.KILL, random.split());
        throw e;
      } finally {
        boolean clean = server.stop();
        end(disk, clean);
      }
    }
  }

  private Crash crash() {
    last = random.nextInt(3) == 0 ? Crash.KILL : Crash.POWER_CUT;
    return last;
  }

  private void end(CrashDisk disk, boolean clean) throws Exception {
    if (disk.crashedBefore() == null) {
      if (!clean) {
        throw new AssertionError("the stop was not clean");
      }
      reached.add(LifeReached.RESTART);
      disk.close();
      return;
    }
    cut |= last == Crash.POWER_CUT;
    reached.add(last == Crash.KILL ? LifeReached.KILL : LifeReached.POWER_CUT);
    if (disk.lost() > 0) {
      reached.add(LifeReached.LOSS);
    }
    disk.replace();
  }

  /** Finds out in which world a start is, and that it is one of those that it may be in. */
  private void settle(LifeServer server) throws Exception {
    if (!server.server().storage().leftOut().all().isEmpty()) {
      throw new AssertionError("left out: " + server.server().storage().leftOut().all());
    }
    List<World> worlds = new ArrayList<>(List.of(world));
    worlds.addAll(unanswered);
    LifeServer.Found found =
        Await.until(
            "merges that are listed have begun",
            server::found,
            each -> !isBeginning(each) || fits(worlds, each));
    int which = Candidates.fitting(worlds, found, this::isStrict);
    World now = Candidates.advanced(worlds.get(which), found.snapshots(), reached);
    now = now.found(found.read());
    if (!unanswered.isEmpty()) {
      reached.add(which > 0 ? LifeReached.UNANSWERED_DONE : LifeReached.UNANSWERED_NOT_DONE);
    }
    world = now;
    unanswered = List.of();
    cut = false;
    writing = "";
  }

  /** A write that was not answered may be there in part: every block of it is, or is not. */
  private boolean isStrict(String device) {
    return !cut && !device.equals(writing);
  }

  private boolean fits(List<World> worlds, LifeServer.Found found) {
    try {
      int _ = Candidates.fitting(worlds, found, this::isStrict);
      return true;
    } catch (AssertionError e) {
      trace.accept("not yet: " + e.getMessage());
      return false;
    }
  }

  /** A merge that was queued is listed just before it begins. */
  private static boolean isBeginning(LifeServer.Found found) {
    return found.snapshots().values().stream().anyMatch(each -> each.phase() == Phase.MERGING);
  }

  private void changes(CrashDisk disk, LifeServer server, boolean isLast) throws Exception {
    LifeChanges changes = new LifeChanges(server, random, reached, trace);
    if (!isLast) {
      disk.crashIn(1 + random.nextInt(MOST_STEPS), crash(), random.split());
    }
    int count = 1 + random.nextInt(MOST_CHANGES);
    for (int i = 0; i < count && disk.crashedBefore() == null; i++) {
      World before = world;
      World after = changes.change(before);
      wide |= after.volumes().containsKey("vm3");
      if (disk.crashedBefore() != null) {
        reached.add(LifeReached.CRASH_IN_CHANGE);
        world = changes.before();
        unanswered = new ArrayList<>(changes.between());
        unanswered.add(after);
        writing = changes.writing();
      } else {
        world = after;
      }
    }
    if (disk.crashedBefore() == null && disk.cancelCrash()) {
      if (isLast || random.nextInt(3) == 0) {
        changes.rest();
        world = Candidates.advanced(world, server.snapshots(), reached);
        int _ = Candidates.fitting(List.of(world), server.found(), device -> true);
        server.checkFiles();
      } else if (random.nextBoolean()) {
        disk.crashNow(crash(), random.split());
      }
    }
    if (disk.crashedBefore() != null
        && world.snapshots().values().stream().anyMatch(each -> each.phase() != Phase.READY)) {
      reached.add(LifeReached.CRASH_IN_MERGE);
    }
  }
}
