// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.anabranch.block.sim.Trace;

/**
 * What a few initiators do with one target, decided by one seed: they write, read, reserve, abort
 * and reset at once, their connections are slow, cut or silent, they come back, and devices hang.
 * At the end everybody logs out, every sector is read, and nothing may be left in the server.
 */
final class IscsiHistory {
  private static final int MAX_TRACE = 400;

  private final SplittableRandom random;
  private final SimTarget target;
  private final List<SimInitiator> initiators = new ArrayList<>();

  private IscsiHistory(long seed, Trace trace, IscsiSabotage sabotage) {
    random = new SplittableRandom(seed);
    target = new SimTarget(random.split(), trace, sabotage);
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      initiators.add(initiator("host" + i));
    }
  }

  private SimInitiator initiator(String name) {
    SimInitiator initiator =
        new SimInitiator(
            name, target, random.split(), 1 + random.nextInt(random.nextInt(3) == 0 ? 24 : 6));
    target.add(initiator);
    return initiator;
  }

  /** Runs the history of a seed; an error is a failure. */
  static Set<IscsiReached> run(long seed, Trace trace, IscsiSabotage sabotage) {
    IscsiHistory history = new IscsiHistory(seed, trace, sabotage);
    history.run();
    return history.target.reached();
  }

  /** Runs it, and if it fails once more for its trace: the error has the seed and what was done. */
  static Set<IscsiReached> check(long seed) {
    try {
      return run(seed, Trace.NONE, IscsiSabotage.NONE);
    } catch (RuntimeException | AssertionError failure) {
      Trace trace = new Trace(MAX_TRACE);
      try {
        run(seed, trace, IscsiSabotage.NONE);
      } catch (RuntimeException | AssertionError again) {
        throw new AssertionError(
            "seed "
                + seed
                + ": "
                + again.getMessage()
                + "\nReplay: mvn -pl target-server -am test -Discsi.sim.seed="
                + seed
                + "\n"
                + trace,
            again);
      }
      throw new AssertionError("seed " + seed + " does not fail every time", failure);
    }
  }

  private void run() {
    initiators.forEach(SimInitiator::login);
    for (int steps = 2 + random.nextInt(6); steps > 0; steps--) {
      target.scheduler().run(random.nextInt(4000));
      if (random.nextInt(4) == 0) {
        target.hang(random.nextLong(random.nextInt(6) == 0 ? 1_500_000_000L : 5_000_000L));
      }
    }
    target.calmDown();
    await(initiators, "everybody's commands to end");
    SimInitiator last = initiator("last");
    last.login();
    await(List.of(last), "the last one to log in");
    SimChecks.lookAtEverything(target, last);
    initiators.add(last);
    for (SimInitiator initiator : initiators) {
      initiator.leave();
    }
    target
        .scheduler()
        .runUntil(() -> initiators.stream().allMatch(SimInitiator::isOver), "everybody to log out");
    target.assertNothingLeft();
  }

  private void await(List<SimInitiator> some, String what) {
    target
        .scheduler()
        .runUntil(() -> some.stream().allMatch(one -> one.isLoggedIn() && !one.isBusy()), what);
  }
}
