// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.stream.Stream;
import org.anabranch.block.cache.RingDamage;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A checker that can't fail proves nothing: here something is wrong each time. */
@ExtendWith(QuietLog.class)
final class SimulatorCatchesTest {
  private static final int MAX_SEEDS = 400;

  /** Something wrong, by name. */
  record Fault(String name, Sabotage sabotage) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Fault> faults() {
    return Stream.of(
        new Fault(
            "a volume's disk that ignores flushes", Sabotages.onDisk("vol", SimDisk::ignoreFlush)),
        new Fault("a COW disk that ignores flushes", Sabotages.onDisk("cow", SimDisk::ignoreFlush)),
        new Fault("a COW disk that ignores FUA", Sabotages.inFront("cow", Sabotages::withoutFua)),
        new Fault(
            "a volume's disk that ignores FUA", Sabotages.inFront("vol", Sabotages::withoutFua)),
        new Fault(
            "a COW disk that completes writes early",
            Sabotages.inFront("cow", Sabotages::withoutPatience)),
        new Fault(
            "a volume's disk that completes writes early",
            Sabotages.inFront("vol", Sabotages::withoutPatience)),
        new Fault(
            "a volume's disk whose failed reads nobody sees",
            Sabotages.inFrontOfFaults("vol", Sabotages::withoutReadErrors)),
        new Fault(
            "a COW disk whose failed flushes nobody sees",
            Sabotages.inFrontOfFaults("cow", Sabotages::withoutFlushErrors)),
        new Fault(
            "a volume's disk whose failed flushes nobody sees",
            Sabotages.inFrontOfFaults("vol", Sabotages::withoutFlushErrors)),
        new Fault(
            "a store that could not say that it is invalid, and nobody kept it",
            Sabotages.withoutInvalidStores()),
        new Fault(
            "a kept snapshot that does not follow the merge",
            Sabotages.withoutFeature("merged_origin")),
        new Fault(
            "a snapshot that says everything is a hole",
            Sabotages.target("snapshot", Sabotages::withoutAllocation)),
        new Fault(
            "a discard that is passed down whoever needs the chunk",
            Sabotages.target("snapshot", Sabotages::discardsBelow)),
        new Fault(
            "a COW disk that is not zeroed", Sabotages.inFront("cow", Sabotages::withoutZeros)),
        new Fault(
            "a COW disk that writes zeros late",
            Sabotages.inFront("cow", Sabotages::withLateZeros)),
        new Fault(
            "a COW disk that writes the areas behind a full one late",
            Sabotages.inFront("cow", Sabotages::withLateRecords)),
        new Fault(
            "a disk that loses a write now and then",
            Sabotages.inFront("vol", Sabotages::withoutMemory)),
        new Fault(
            "a disk that forgets a request", Sabotages.inFront("cow", Sabotages::withoutAnswer)),
        new Fault(
            "an origin that does not copy now and then",
            Sabotages.target("snapshot-origin", Sabotages::withoutCopies)),
        new Fault(
            "a merge that flushes the origin only",
            Sabotages.target("snapshot-merge", Sabotages::withoutSecondFlush)),
        new Fault(
            "a snapshot that completes writes early",
            Sabotages.target("snapshot", Sabotages::withoutCommit)),
        new Fault(
            "a ring that loses an entry",
            CacheSabotages.leftRing((memory, segmentBytes, boot) -> RingDamage.lose(memory))),
        new Fault(
            "a ring that is replayed out of order", CacheSabotages.leftRing(RingDamage::turnRound)),
        new Fault("a ring that is replayed in another boot", CacheSabotages.inAnotherBoot()),
        new Fault(
            "a write cache that acknowledges writes before they are in the ring",
            CacheSabotages.above(CacheSabotages::acknowledgesFirst)),
        new Fault(
            "a write cache whose flush does not wait",
            CacheSabotages.above(CacheSabotages::flushesAtOnce)),
        new Fault("a write cache that does not wait in a suspend", CacheSabotages.withoutHold()));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void simulatorCatches(Fault fault) throws Exception {
    Seeds.mustBeCaught(
        fault.name, MAX_SEEDS, seed -> History.run(seed, Trace.NONE, fault.sabotage));
  }
}
