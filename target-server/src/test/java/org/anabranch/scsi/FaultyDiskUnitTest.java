// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.sim.FaultDevice;
import org.anabranch.block.sim.Machine;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.block.sim.Trace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an initiator is told when the Nth request to a disk fails, for every N of a command. */
@ExtendWith(QuietLog.class)
final class FaultyDiskUnitTest {
  private static final String WRITE = "2a 00 00 00 00 08 00 00 04 00";

  private static Machine machine() {
    Machine machine = new Machine(1, Trace.NONE);
    machine.addDisk("vol", 64, Limits.DEFAULT);
    machine.addDisk("cow", 64, Limits.DEFAULT);
    return machine;
  }

  private static SimulatedUnit unit(Machine machine, String table) {
    machine.await(machine.mapper().create("lun", "0 64 " + table), "create");
    return new SimulatedUnit(machine, "lun");
  }

  private static FaultDevice.Fault fault(FaultDevice device, Io.Op op, int nth, IoError.Kind kind) {
    return new FaultDevice.Fault(op, device.seen(op) + nth, false, kind);
  }

  /**
   * Each request of the command fails in each way, on a fresh unit: sense key and code say which.
   */
  @ParameterizedTest
  @CsvSource({
    "28 00 00 00 00 08 00 00 04 00, 0", // READ (10)
    "28 08 00 00 00 08 00 00 04 00, 0", // with FUA
    "2a 00 00 00 00 08 00 00 04 00, 2048", // WRITE (10)
    "2a 08 00 00 00 08 00 00 04 00, 2048", // with FUA
    "35 00 00 00 00 08 00 00 04 00, 0", // SYNCHRONIZE CACHE (10)
    "41 00 00 00 00 08 00 00 04 00, 512", // WRITE SAME (10), of zeros
    "41 08 00 00 00 08 00 00 04 00, 512", // that unmaps
    "42 00 00 00 00 00 00 00 18 00, 24", // UNMAP
    "2f 00 00 00 00 08 00 00 04 00, 0", // VERIFY (10)
    "2e 00 00 00 00 08 00 00 04 00, 2048", // WRITE AND VERIFY (10)
    "89 00 00 00 00 00 00 00 00 08 00 00 00 01 00 00, 1024", // COMPARE AND WRITE
    "8b 00 00 00 00 00 00 00 00 08 00 00 00 04 00 00, 2048", // ORWRITE (16)
  })
  void senseTellsWhatFailed(String cdb, int dataLength) {
    int faults = 0;
    for (Io.Op op : Io.Op.values()) {
      Machine healthy = machine();
      SimulatedUnit good = unit(healthy, "linear vol 0");
      long before = healthy.faults("vol").seen(op);
      good.send(cdb, data(cdb, dataLength)).isGood();
      long count = healthy.faults("vol").seen(op) - before;
      for (int nth = 1; nth <= count; nth++) {
        for (IoError.Kind kind : List.of(IoError.Kind.IO, IoError.Kind.NO_SPACE)) {
          Machine machine = machine();
          SimulatedUnit unit = unit(machine, "linear vol 0");
          FaultDevice device = machine.faults("vol");
          device.arm(fault(device, op, nth, kind));
          Lab.Result result = unit.send(cdb, data(cdb, dataLength));
          result.fails(code(op, kind));
          if (kind == IoError.Kind.IO) {
            assertThat(result.information()).isEqualTo(8);
          }
          assertThat(device.failures()).isEqualTo(1);
          unit.send(cdb, data(cdb, dataLength)).isGood();
          faults++;
        }
      }
    }
    assertThat(faults).isPositive();
  }

  private static String code(Io.Op op, IoError.Kind kind) {
    if (kind == IoError.Kind.NO_SPACE) {
      return "7/27/07";
    }
    return op == Io.Op.READ ? "3/11/00" : "3/0c/00";
  }

  private static byte[] data(String cdb, int length) {
    if (!cdb.startsWith("42")) {
      return new byte[length];
    }
    return Lab.hex("00 16 00 10 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00 04 00 00 00 00");
  }

  @Test
  void unitIsWriteProtectedSinceASyncFailed() {
    Machine machine = machine();
    SimulatedUnit unit = unit(machine, "linear vol 0");
    FaultDevice file = machine.faults("vol");
    file.latch();
    unit.send(WRITE, new byte[2048]).isGood();
    file.arm(fault(file, Io.Op.FLUSH, 1, IoError.Kind.IO));
    unit.send("35 00 00 00 00 00 00 00 00 00").fails("3/0c/00");
    unit.send("35 00 00 00 00 00 00 00 00 00").fails("3/0c/00");
    unit.send(WRITE, new byte[2048]).fails("7/27/00");
    unit.send("28 00 00 00 00 08 00 00 04 00").isGood();
  }

  @ParameterizedTest
  @CsvSource({"READ", "WRITE", "FLUSH"})
  void originWithASnapshotDoesNotFailForIt(Io.Op op) {
    for (int nth = 1; nth <= 3; nth++) {
      Machine machine = machine();
      machine.await(machine.mapper().create("snap", "0 64 snapshot vol cow P 2"), "snapshot");
      SimulatedUnit unit = unit(machine, "snapshot-origin vol");
      FaultDevice cow = machine.faults("cow");
      cow.arm(fault(cow, op, nth, IoError.Kind.IO));
      unit.send(WRITE, new byte[2048]).isGood();
      unit.send("35 00 00 00 00 00 00 00 00 00").isGood();
      assertThat(machine.status("snap").contains("Invalid")).isEqualTo(cow.failures() > 0);
    }
  }

  @Test
  void snapshotTellsOfAFullStoreAndOfItsEnd() {
    Machine machine = machine();
    machine.addDisk("small", 16, Limits.DEFAULT);
    SimulatedUnit unit = unit(machine, "snapshot vol small PO 2");
    for (int lba = 0; lba < 8; lba += 2) {
      unit.send(String.format("2a 00 00 00 00 %02x 00 00 02 00", lba), new byte[1024]).isGood();
    }
    Lab.Result full = unit.send("2a 00 00 00 00 20 00 00 08 00", new byte[4096]);
    full.fails("7/27/07");
    unit.send("28 00 00 00 00 00 00 00 40 00").isGood();

    Machine other = machine();
    SimulatedUnit invalid = unit(other, "snapshot vol cow P 2");
    FaultDevice cow = other.faults("cow");
    cow.arm(fault(cow, Io.Op.FLUSH, 1, IoError.Kind.IO));
    invalid.send(WRITE, new byte[2048]).fails("3/0c/00");
    invalid.send("28 00 00 00 00 08 00 00 04 00").fails("3/11/00");
  }
}
