// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import static org.anabranch.iscsi.sim.IscsiSabotages.changed;
import static org.anabranch.iscsi.sim.IscsiSabotages.some;

import java.util.stream.Stream;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.block.sim.Seeds;
import org.anabranch.block.sim.Trace;
import org.anabranch.initiator.Opcode;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A checker that can't fail proves nothing: here something is wrong each time. */
@ExtendWith(QuietLog.class)
final class IscsiSimulatorCatchesTest {
  private static final int MAX_SEEDS = 40;

  /** Something wrong, by name. */
  record Fault(String name, IscsiSabotage sabotage) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Fault> faults() {
    return Stream.of(
        new Fault(
            "an answer that is sent twice", some(Opcode.SCSI_RESPONSE, IscsiSabotages::twice)),
        new Fault("an answer that is not sent", some(Opcode.SCSI_RESPONSE, IscsiSabotages::never)),
        new Fault(
            "a StatSN that is not advanced",
            some(Opcode.SCSI_RESPONSE, changed(pdu -> pdu.i32(24, pdu.statSn() - 1)))),
        new Fault(
            "an R2T out of range",
            some(Opcode.READY_TO_TRANSFER, changed(pdu -> pdu.i32(44, pdu.i32(44) + (1 << 20))))),
        new Fault(
            "data of another command",
            some(Opcode.DATA_IN, changed(pdu -> pdu.data(new byte[pdu.dataSegmentLength()])))),
        new Fault("data that is lost", some(Opcode.DATA_IN, IscsiSabotages::never)),
        new Fault(
            "a unit attention that is lost",
            IscsiSabotages.pdus(Opcode.SCSI_RESPONSE, changed(IscsiSabotages.withoutStatus(2)))),
        new Fault(
            "a reservation that holds nobody up",
            IscsiSabotages.pdus(Opcode.SCSI_RESPONSE, changed(IscsiSabotages.withoutStatus(0x18)))),
        new Fault("a window that is not widened", IscsiSabotages.withoutWidening()),
        new Fault("memory that is not given back at a cut", IscsiSabotages.withoutRelease()),
        new Fault("an aborted command that writes all the same", IscsiSabotages.lateWrites()),
        new Fault("a reinstatement that keeps the old commands", IscsiSabotages.oldTasks()),
        new Fault("a reset that does nothing", IscsiSabotages.withoutReset()));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void simulatorCatches(Fault fault) throws Exception {
    Seeds.mustBeCaught(
        fault.name, MAX_SEEDS, seed -> IscsiHistory.run(seed, Trace.NONE, fault.sabotage));
  }
}
