// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskManagementFunction.Response;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.unit.PathAccess;
import org.anabranch.scsi.unit.UnitRegistry;
import org.anabranch.scsi.unit.UnitView;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One unit that is shown by two LUNs of one target and by a second target (SAM-5 4.5.19). */
final class PathsTest {
  private static final String OTHER_TARGET = "iqn.2026-11.org.example:other";
  private static final TargetPort OTHER_PORT = new TargetPort(OTHER_TARGET, 1, 7);
  private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";
  private static final String READ = "28 00 00 00 00 00 00 00 01 00";
  private static final String RESERVE = "16 00 00 00 00 00";
  private static final int READ_ONLY_LUN = 5;

  private final Lab lab = Lab.disk();
  private final TargetDevice other = new TargetDevice(List.of(OTHER_PORT), lab.scheduler);
  private final UnitView readOnly = lab.unit.view(PathAccess.READ_ONLY);
  private Lab.Initiator here;
  private Lab.Initiator there;

  @BeforeEach
  void attach() {
    lab.device.attach(READ_ONLY_LUN, readOnly, name -> true);
    other.attach(0, lab.unit, name -> true);
    here = lab.initiator("iqn.2026-11.org.example:here");
    there = lab.new Initiator("iqn.2026-11.org.example:there", other, 1).ready();
  }

  private static String registerAndReserve(Lab.Initiator by, long key) {
    by.send("5f 06 00 00 00 00 00 00 18 00", list(0, key)).isGood();
    by.send("5f 01 03 00 00 00 00 00 18 00", list(key, 0)).isGood();
    return String.format("%016x", key);
  }

  private static byte[] list(long key, long actionKey) {
    byte[] list = new byte[24];
    BigEndian.put64(list, 0, key);
    BigEndian.put64(list, 8, actionKey);
    return list;
  }

  @Test
  void aReservationOfOnePathHoldsOnTheOthers() {
    here.send(RESERVE).isGood();
    there.send(TEST_UNIT_READY).conflicts();
    here.sendTo(READ_ONLY_LUN, TEST_UNIT_READY).isGood();
    here.send("17 00 00 00 00 00").isGood();

    String key = registerAndReserve(there, 0xb);
    here.send(READ).conflicts();
    here.sendTo(READ_ONLY_LUN, READ).conflicts();
    there.send(READ).isGood();
    assertThat(HexFormat.of().formatHex(here.send("5e 00 00 00 00 00 00 00 40 00").data(), 8, 16))
        .isEqualTo(key);
  }

  @Test
  void fullStatusNamesThePortOfTheTargetThatItWasMadeBy() {
    registerAndReserve(there, 0xb);
    byte[] status = here.send("5e 03 00 00 00 00 00 00 ff 00").data();
    assertThat(BigEndian.u16(status, 8 + 18)).as("relative port").isEqualTo(7);
  }

  @Test
  void portsOfAllTargetsAreReportedAndRegistered() {
    byte[] groups = here.send("a3 0a 00 00 00 00 00 00 00 40 00 00").data();
    assertThat(groups[11]).as("ports").isEqualTo((byte) 3);
    assertThat(List.of(groups[15], groups[19], groups[23]))
        .containsExactly((byte) 1, (byte) 2, (byte) 7);
    byte[] allPorts = list(0, 0xa);
    allPorts[20] = 0x04; // ALL_TG_PT
    here.send("5f 06 00 00 00 00 00 00 18 00", allPorts).isGood();
    assertThat(here.send("5e 00 00 00 00 00 00 00 40 00").data()).hasSize(8 + 3 * 8);
  }

  @Test
  void theUnitIsCalledTheSameByEveryPath() {
    byte[] one = here.send("12 01 83 00 ff 00").data();
    byte[] two = there.send("12 01 83 00 ff 00").data();
    assertThat(HexFormat.of().formatHex(one, 4, 16))
        .isEqualTo(HexFormat.of().formatHex(two, 4, 16));
    assertThat(HexFormat.of().formatHex(two)).contains("51940004" + "00000007"); // its own port
  }

  @Test
  void onlyTheReadOnlyPathRefusesWrites() {
    here.sendTo(READ_ONLY_LUN, WRITE, new byte[512]).fails("7/27/00");
    here.sendTo(READ_ONLY_LUN, READ).isGood();
    here.send(WRITE, new byte[512]).isGood();
    assertThat(here.sendTo(READ_ONLY_LUN, "1a 00 3f 00 ff 00").data()[2] & 0x80).isEqualTo(0x80);
    assertThat(here.send("1a 00 3f 00 ff 00").data()[2] & 0x80).isZero();
  }

  @Test
  void modePagesAndWhatIsOwedAreTheUnits() {
    here.send(
            "15 10 00 00 18 00",
            Lab.hex("00 00 00 00 08 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"))
        .isGood();
    there.send(TEST_UNIT_READY).fails("6/2a/01");
    lab.unit.capacityChanged();
    here.sendTo(READ_ONLY_LUN, TEST_UNIT_READY).fails("6/2a/09");
    here.send(TEST_UNIT_READY).isGood(); // told once, by whatever LUN
    there.send(TEST_UNIT_READY).fails("6/2a/09");
  }

  @Test
  void aResetByOnePathEndsTheTasksOfAll() {
    lab.disk.hold();
    Lab.Command running = there.begin(READ).execute();
    Response[] response = new Response[1];
    lab.device.manage(
        here.nexus, TaskManagementFunction.LOGICAL_UNIT_RESET, 0, 0, each -> response[0] = each);
    assertThat(response[0]).isNull();
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(running.result().aborted()).isTrue();
    assertThat(response[0]).isEqualTo(Response.COMPLETE);
    there.send(TEST_UNIT_READY).fails("6/29/03");
  }

  @Test
  void abortTaskSetLeavesTheOtherLunOfTheSameInitiatorAlone() {
    lab.disk.hold();
    Lab.Command kept = here.begin(READ).execute();
    Lab.Command gone = here.beginAt(READ_ONLY_LUN, READ).execute();
    lab.device.manage(
        here.nexus,
        TaskManagementFunction.ABORT_TASK_SET,
        LunInventory.field(READ_ONLY_LUN),
        0,
        each -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(gone.result().aborted()).isTrue();
    kept.result().isGood();
  }

  @Test
  void aPathThatGoesTakesItsOwnTasksOnly() {
    lab.disk.hold();
    Lab.Command mine = here.begin(READ).execute();
    Lab.Command theirs = there.begin(READ).execute();
    boolean[] ended = new boolean[2];
    other.detach(0, () -> ended[0] = true);
    assertThat(ended[0]).as("its task is at work").isFalse();
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(ended[0]).isTrue();
    assertThat(theirs.result().aborted()).isTrue();
    mine.result().isGood();
    there.send(TEST_UNIT_READY).fails("5/25/00");
    here.send(TEST_UNIT_READY).isGood();

    lab.device.detach(READ_ONLY_LUN, () -> {});
    here.send(TEST_UNIT_READY).fails("6/3f/0e");
    lab.device.detach(0, () -> ended[1] = true);
    assertThat(ended[1]).isTrue();
    assertThatThrownBy(() -> lab.unit.view(PathAccess.READ_WRITE))
        .as("its last path is gone")
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aReservationOfAnInitiatorThatLosesOneOfTwoLunsStays() {
    here.send(RESERVE).isGood();
    lab.device.detach(READ_ONLY_LUN, () -> {});
    there.send(TEST_UNIT_READY).conflicts();
    lab.device.detach(0, () -> {});
    there.send(TEST_UNIT_READY).isGood();
  }

  @Test
  void aDeviceHasOneUnitUntilItsLastViewIsClosed() throws IOException {
    UnitRegistry registry = new UnitRegistry();
    TestDevice disk = new TestDevice(64).thin();
    UnitRegistry.Factory factory = () -> DiskUnit.of(disk, Lab.properties(), lab.scheduler);
    UnitView one = registry.view(disk, PathAccess.READ_WRITE, factory);
    UnitView two = registry.view(disk, PathAccess.READ_ONLY, factory);
    UnitView another = registry.view(new TestDevice(64).thin(), PathAccess.READ_ONLY, factory);
    assertThat(two.unit()).isSameAs(one.unit());
    assertThat(another.unit()).isNotSameAs(one.unit());
    one.close(() -> {});
    assertThat(registry.find(disk)).isSameAs(two.unit());
    two.close(() -> {});
    assertThat(registry.find(disk)).isNull();
    assertThat(registry.view(disk, PathAccess.READ_WRITE, factory).unit()).isNotSameAs(one.unit());
  }
}
