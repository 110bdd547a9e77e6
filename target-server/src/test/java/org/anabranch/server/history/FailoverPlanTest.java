// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.anabranch.server.history.FailoverPlan.Fault;
import org.anabranch.server.history.FailoverPlan.Moment;
import org.anabranch.server.history.FailoverPlan.Strike;
import org.junit.jupiter.api.Test;

final class FailoverPlanTest {
  private final SplittableRandom random = new SplittableRandom(1);

  @Test
  void eachMomentIsHitUntilItIsEnoughByEachFaultInTurn() {
    FailoverPlan plan = FailoverPlan.of("each", 7, random);
    Map<Moment, Integer> hits = new EnumMap<>(Moment.class);
    Map<Fault, Integer> ofCreate = new EnumMap<>(Fault.class);
    while (!plan.isOver()) {
      Strike strike = plan.next();
      boolean isHit = random.nextInt(3) != 0;
      plan.struck(strike, isHit);
      if (isHit) {
        hits.merge(strike.moment(), 1, Integer::sum);
        if (strike.moment() == Moment.CREATE) {
          ofCreate.merge(strike.fault(), 1, Integer::sum);
        }
      }
    }
    assertThat(hits)
        .isEqualTo(
            Map.of(Moment.FIRST_WRITES, 7, Moment.CREATE, 7, Moment.MERGE, 7, Moment.REMOVE, 7));
    assertThat(ofCreate).isEqualTo(Map.of(Fault.STOP, 3, Fault.KILL, 2, Fault.TAKE_OVER, 2));
    assertThat(plan.table().lines().filter(line -> line.matches(" +create +3 +2 +2 +7 +\\d+")))
        .hasSize(1);
  }

  @Test
  void aPlanWhoseFaultsAlwaysMissFails() {
    FailoverPlan plan = FailoverPlan.of("each", 2, random);
    assertThatThrownBy(
            () -> {
              while (!plan.isOver()) {
                plan.struck(plan.next(), false);
              }
            })
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("too early or too late");
  }

  @Test
  void soManyFaultsAndNoMore() {
    FailoverPlan plan = FailoverPlan.of("changes", 9, random);
    while (!plan.isOver()) {
      plan.struck(plan.next(), random.nextBoolean());
    }
    assertThat(plan.strikes()).isEqualTo(9);
    assertThat(plan.isChanging()).isTrue();
    assertThat(FailoverPlan.of("writes", 9, random).isChanging()).isFalse();
  }
}
