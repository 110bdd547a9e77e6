// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.NoPaths;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.sim.Choices;
import org.anabranch.block.sim.SimDisk;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.store.StoreReport;
import org.anabranch.block.targets.TargetTypes;
import org.jspecify.annotations.Nullable;

/** An origin and a store on simulated disks, whose power can be cut. */
final class SimulatedStore implements StoreUse.Waiter {
  /** The first batch of a merge has one exception: small stores are to be found half merged. */
  static final Bounds SMALL_BATCHES = new Bounds(64 << 20, 2048, 512);

  /** What is on the two disks. */
  static final class Images {
    private final byte[] origin;
    private final byte[] cow;

    Images(byte[] origin, byte[] cow) {
      this.origin = origin;
      this.cow = cow;
    }

    byte[] origin() {
      return origin;
    }

    byte[] cow() {
      return cow;
    }
  }

  /** Something to do with a store. */
  interface Work {
    void on(StoreUse store) throws Exception;
  }

  private final StoreHistory history;
  private final SimScheduler scheduler;
  private final SimDisk origin;
  private final SimDisk cow;
  private final StoreUse store;

  /** Both disks hold these bytes, durably. */
  SimulatedStore(StoreHistory history, Images images) {
    this.history = history;
    scheduler = new SimScheduler(history.seed);
    origin = new SimDisk("origin", history.originSectors, Limits.DEFAULT, scheduler);
    origin.poke(0, images.origin);
    cow = new SimDisk("cow", history.cowSectors, Limits.DEFAULT, scheduler);
    cow.poke(0, images.cow);
    DeviceMapper mapper =
        new DeviceMapper(scheduler, new NoPaths(), TargetTypes.standard(SMALL_BATCHES));
    try {
      mapper.addVolume("origin", origin);
      mapper.addVolume("cow", cow);
    } catch (TableException e) {
      throw new AssertionError(e);
    }
    store = new StoreUse(mapper, this, history, "origin", "cow");
  }

  @Override
  public <T extends @Nullable Object> T await(CompletionStage<T> stage) throws Exception {
    try {
      return scheduler.await(stage, history.toString());
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  /** Does all of it; what the disks read as then. */
  Images after(Work work) throws Exception {
    work.on(store);
    return new Images(origin.peek(0, history.originSectors), cow.peek(0, history.cowSectors));
  }

  /**
   * Does a part of it, drawn by the history's seed; what is on the disks when the power comes back.
   * {@code prelude} is done whole.
   */
  static Images cut(StoreHistory history, Images start, Work prelude, Work work) throws Exception {
    SimulatedStore whole = new SimulatedStore(history, start);
    prelude.on(whole.store);
    long before = whole.scheduler.steps();
    work.on(whole.store);
    long steps = whole.scheduler.steps() - before;

    // The same seed, the same events: the power goes somewhere among them.
    SimulatedStore cut = new SimulatedStore(history, start);
    prelude.on(cut.store);
    SplittableRandom random = new SplittableRandom(history.seed);
    cut.scheduler.cutPowerAfter(
        steps / 4 + random.nextLong(steps - steps / 4)); // not while it is loaded
    try {
      work.on(cut.store);
      throw new AssertionError(history + ": the power was not cut in " + steps + " events");
    } catch (SimScheduler.PowerCut expected) {
      SimScheduler next = new SimScheduler(history.seed);
      Choices choices = Choices.random(random);
      SimDisk origin = cut.origin.afterPowerCut(next, choices);
      SimDisk cow = cut.cow.afterPowerCut(next, choices);
      return new Images(origin.peek(0, history.originSectors), cow.peek(0, history.cowSectors));
    }
  }

  /** An origin as the history begins, and an empty COW device. */
  static Images fresh(StoreHistory history) {
    return new Images(history.initial(), new byte[history.cowSectors * 512]);
  }

  /** How many exceptions are on the list on disk. */
  static long exceptions(StoreHistory history, Images images) throws Exception {
    SimulatedStore loaded = new SimulatedStore(history, images);
    StoreReport report = loaded.await(StoreReport.read(loaded.cow, history.originSectors));
    assertThat(report.problems()).isEmpty();
    return report.exceptions();
  }
}
