// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.anabranch.block.Limits;
import org.anabranch.block.snapshot.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * The life of one volume, decided by one seed: users read and write it and its snapshots without a
 * break, an administrator makes, removes, moves and merges snapshots meanwhile, and now and then
 * the power is cut, also while everything comes up again. In some histories writes are cached, and
 * mostly only the process dies, not the power: then all is there that was acknowledged. In some
 * histories disks fail, too: then everything is started anew sooner or later, and at the end on
 * disks that work. Whatever is read is held against the model.
 */
final class History {
  private static final int MAX_TRACE = 300;

  /** Most events until a cut that is to hit a boot. */
  private static final int EARLY = 16;

  /** For generators of what came later, so that older decisions stay as they are. */
  private static final long OTHER = 0x5DEECE66DL;

  private static final long CACHING = 0x9E3779B97F4A7C15L;

  /** Most events that a crash waits for writes in the ring. */
  private static final int MAX_EVENTS_FOR_RING = 500;

  private static final String[] TYPES = {"P", "P", "PO", "N"};

  private final SplittableRandom random;
  private final FaultPlan faults;
  private final List<Cow> cows = new ArrayList<>();
  private final Limits limits;
  private final Volume volume;
  private final SnapshotSteps snapshots;
  private final MergeSteps merges;
  private final SplittableRandom keeping;
  private final SplittableRandom passing;
  private final SplittableRandom caching;
  private int steps;

  private History(long seed, Trace trace, Sabotage sabotage) {
    this.random = new SplittableRandom(seed);
    this.keeping = new SplittableRandom(~seed);
    this.passing = new SplittableRandom(seed ^ OTHER);
    this.caching = new SplittableRandom(seed ^ CACHING);
    this.faults = new FaultPlan(seed, sabotage.needsFaults());
    Machine machine = new Machine(random.nextLong(), bounds(), trace, sabotage);
    limits = random.nextInt(8) == 0 ? Limits.DEFAULT.withBlockSizes(4096, 4096) : Limits.DEFAULT;
    int block = limits.logicalBlockSize() >> 9;
    int sectors = (32 + random.nextInt(random.nextInt(3) == 0 ? 1000 : 200)) / block * block;
    boolean overlap = random.nextBoolean();
    machine.addDisk(Volume.DISK, sectors + random.nextInt(3), limits);
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      addCow(machine, "cow" + i, sectors);
    }
    int rowBoundary = random.nextInt(4) == 0 ? random.nextInt(sectors / block) * block : 0;
    int depth = 1 + random.nextInt(6);
    volume = new Volume(machine, sectors, rowBoundary, depth, overlap, random.split());
    int lengthUnit = random.nextInt(3) == 0 ? block : 0;
    // What fills or fails may be given up while copies are under way: nobody waits for them then.
    // Nor for what a snapshot passes down to chunks that it does not have: it may read as either.
    // Nor for the rest of a chunk that is copied, where it lies behind a snapshot's end.
    boolean waits =
        !faults.faulty() && cows.stream().noneMatch(cow -> cow.mayFill() || cow.passdown());
    if (!overlap && waits && lengthUnit == 0) {
      machine.disks().forEach(SimDisk::forbidOverlap);
    }
    if ((caching.nextInt(3) == 0 || sabotage.needsCache()) && !faults.faulty()) {
      machine.cacheWrites(new SimRing(1 + caching.nextInt(6), 4096 << caching.nextInt(4)));
    }
    snapshots = new SnapshotSteps(volume, lengthUnit);
    merges = new MergeSteps(volume);
    steps = 8 + random.nextInt(12);
  }

  /** Small ones, so that a merge takes many batches, and copies wait for each other. */
  private Bounds bounds() {
    return new Bounds(
        4096 << random.nextInt(5),
        1 + random.nextInt(20),
        512L << random.nextInt(random.nextBoolean() ? 3 : 12));
  }

  private void addCow(Machine machine, String name, int sectors) {
    String type = TYPES[random.nextInt(TYPES.length)];
    int block = limits.logicalBlockSize() >> 9;
    int chunk = Math.max(block, 1 << random.nextInt(random.nextInt(3) == 0 ? 6 : 4));
    int chunks = (sectors + chunk - 1) / chunk;
    int perArea = 32 * chunk;
    int ample = type.equals("N") ? chunks : 2 + chunks + chunks / perArea;
    boolean mayFill = random.nextInt(3) == 0;
    int room = mayFill ? 3 + random.nextInt(ample) : ample;
    SimDisk disk = machine.addDisk(name, (long) room * chunk + random.nextInt(chunk), limits);
    if (mayFill && random.nextBoolean()) {
      disk.extendableTo((long) random.nextInt(ample + 1) * chunk);
    }
    boolean zeroes = random.nextBoolean();
    boolean passdown = zeroes && passing.nextInt(3) == 0;
    cows.add(new Cow(name, type, chunk, mayFill, zeroes, passdown));
  }

  /** Runs the history of a seed and tells what it came to; an error is a failure. */
  static Set<Reached> run(long seed, Trace trace, Sabotage sabotage) {
    History history = new History(seed, trace, sabotage);
    history.run();
    return history.volume.reached;
  }

  /** Runs it, and if it fails once more for its trace: the error has the seed and what was done. */
  static Set<Reached> check(long seed) {
    try {
      return run(seed, Trace.NONE, Sabotage.NONE);
    } catch (RuntimeException | AssertionError failure) {
      Trace trace = new Trace(MAX_TRACE);
      try {
        run(seed, trace, Sabotage.NONE);
      } catch (RuntimeException | AssertionError again) {
        throw new AssertionError(
            "seed "
                + seed
                + ": "
                + again.getMessage()
                + "\nReplay: mvn -pl blockcore test -Dsim.seed="
                + seed
                + "\n"
                + trace,
            again);
      }
      throw new AssertionError("seed " + seed + " does not fail every time", failure);
    }
  }

  private void run() {
    Machine machine = volume.machine();
    while (!lives(machine)) {
      if (machine.ring() != null && caching.nextInt(3) > 0) {
        volume.processDeath();
        machine = machine.afterProcessDeath(random.nextLong());
      } else {
        volume.powerCut();
        machine = machine.afterPowerCut(random.nextLong(), choices());
      }
    }
  }

  /** From power on to power off; whether that was the end of the history. */
  private boolean lives(Machine machine) {
    try {
      planPowerCut(machine, machine != volume.machine());
      if (steps > 0) {
        faults.beforeBoot(machine);
      }
      return livesWithPower(machine);
    } catch (SimScheduler.PowerCut cut) {
      volume.say(String.valueOf(cut.getMessage()));
      volume.noteCut(machine);
      return false;
    } finally {
      volume.noteFaults(machine);
    }
  }

  private boolean livesWithPower(Machine machine) {
    try {
      volume.boot(machine);
      while (steps > 0 && !(machine.faulty() && faults.enough())) {
        steps--;
        step();
      }
      if (!machine.faulty()) {
        machine.noMoreFaults();
        keepPower(machine);
        end();
        return true;
      }
    } catch (Machine.RefusedException refused) {
      if (!machine.faulty()) {
        throw refused;
      }
      volume.say("refused: " + refused.getMessage());
    }
    if (volume.isUpOn(machine)) {
      volume.takeDown();
    }
    return false;
  }

  /** What is left of what was not flushed: nothing, everything, or anything. */
  private Choices choices() {
    return switch (random.nextInt(4)) {
      case 0 -> Choices.always(0);
      case 1 -> Choices.always(Integer.MAX_VALUE);
      default -> Choices.random(random.split());
    };
  }

  /** At any moment; or around a write of a store's metadata, where it hurts most; or in a boot. */
  private void planPowerCut(Machine machine, boolean again) {
    SimScheduler scheduler = machine.scheduler();
    int later = random.nextInt(8);
    switch (random.nextInt(6)) {
      case 0 -> {
        if (again) {
          scheduler.cutPowerAfter(random.nextInt(EARLY));
        }
      }
      case 1 -> scheduler.cutPowerAfter(random.nextInt(300));
      case 2, 3 -> scheduler.cutPowerAfter(random.nextInt(6_000));
      default -> {
        String cow = cows.get(random.nextInt(cows.size())).disk();
        int nth = 1 + random.nextInt(random.nextBoolean() ? 10 : 60);
        machine.disk(cow).onFua(nth, () -> scheduler.cutPowerAfter(later));
      }
    }
  }

  private static void keepPower(Machine machine) {
    machine.scheduler().keepPower();
    machine.disks().forEach(disk -> disk.onFua(0, () -> {}));
  }

  private void end() {
    volume.verify();
    if (volume.merging() != null) {
      merges.finish();
    }
    volume.verify();
    volume.drain();
    volume.takeDown();
  }

  private void step() {
    SimRing ring = volume.machine().ring();
    volume.machine().scheduler().run(random.nextInt(800));
    if (ring != null) {
      crashWithWritesInRing(ring);
    }
    int kind = random.nextInt(100);
    if (kind < 15) {
      volume.verify();
    } else if (kind < 25) {
      snapshots.suspend(someDevice(), random.nextInt(200));
    } else if (volume.merging() != null && (kind < 60 || volume.mergeFailed())) {
      if (random.nextBoolean()) {
        merges.disturb();
      } else {
        merges.finish();
      }
    } else if (volume.snaps.isEmpty() || kind < 50) {
      createIfPossible();
    } else {
      stepOf(volume.snaps.get(random.nextInt(volume.snaps.size())));
    }
    volume.checkStatus();
  }

  /** Now and then a crash comes while the ring is in use, and what the kernel has of it is old. */
  private void crashWithWritesInRing(SimRing ring) {
    Machine machine = volume.machine();
    if (caching.nextInt(3) == 0) {
      int wanted = 1 + caching.nextInt(8);
      for (int events = 0; events < MAX_EVENTS_FOR_RING && machine.inRing() < wanted; events++) {
        machine.scheduler().run(1);
      }
      machine.scheduler().cutPowerAfter(caching.nextInt(20));
    }
    if (caching.nextBoolean()) {
      ring.writeBack();
    }
  }

  private void stepOf(Snap snap) {
    if (snap.invalid) {
      snapshots.remove(snap);
      return;
    }
    boolean mergeable = volume.merging() == null && snap.cow.persistent() && !snap.shortened;
    switch (random.nextInt(9)) {
      case 0 -> snapshots.remove(snap);
      case 1, 2 -> {
        if (passing.nextInt(4) == 0) {
          snapshots.shorten(snap);
        } else {
          snapshots.reload(snap);
        }
      }
      case 3 -> snapshots.handOver(snap);
      case 4 -> {
        if (snap.cow.persistent()) {
          snapshots.cancelHandOver(snap);
        }
      }
      case 5 -> {
        if (mergeable && random.nextBoolean()) {
          merges.cancel(snap);
        }
      }
      default -> {
        if (volume.snaps.size() < cows.size() && random.nextInt(3) > 0) {
          createIfPossible();
        } else if (mergeable) {
          faults.beforeMerge(volume.machine());
          Cow empty = keeping.nextInt(2) == 0 ? unused() : null;
          if (empty == null) {
            merges.begin(snap);
          } else {
            merges.keep(snap, empty);
          }
          if (random.nextInt(3) == 0) {
            volume.machine().scheduler().cutPowerAfter(random.nextInt(500));
          }
        }
      }
    }
  }

  private String someDevice() {
    List<String> devices = volume.machine().mapper().ls();
    return devices.get(random.nextInt(devices.size()));
  }

  private void createIfPossible() {
    Cow cow = volume.merging() == null ? unused() : null;
    if (cow != null) {
      snapshots.create(cow);
    }
  }

  /** Where no snapshot is; null if there is one everywhere. */
  private @Nullable Cow unused() {
    return cows.stream()
        .filter(cow -> volume.snaps.stream().noneMatch(snap -> snap.cow.equals(cow)))
        .findFirst()
        .orElse(null);
  }
}
