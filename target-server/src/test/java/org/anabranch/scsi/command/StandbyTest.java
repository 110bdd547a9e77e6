// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.List;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.data.AccessState;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A unit whose medium another server has: the standby state (SPC-4 5.15.2.4.4). */
final class StandbyTest {
  private static final String IN_STANDBY = "2/04/0b";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();
  private AccessState state = AccessState.STANDBY;

  @BeforeEach
  void share() {
    lab.unit.shared(0x1234, () -> state);
  }

  @Test
  void whatNeedsTheMediumIsNotReady() {
    List.of(
            "00 00 00 00 00 00", // TEST UNIT READY
            "28 00 00 00 00 00 00 00 01 00", // READ (10)
            "35 00 00 00 00 00 00 00 00 00", // SYNCHRONIZE CACHE (10)
            "16 00 00 00 00 00", // RESERVE (6)
            "9e 12 00 00 00 00 00 00 00 00 00 00 00 20 00 00", // GET LBA STATUS
            "1b 00 00 00 01 00") // START STOP UNIT
        .forEach(cdb -> initiator.send(cdb).fails(IN_STANDBY));
    initiator.send("2a 00 00 00 00 00 00 00 01 00", new byte[512]).fails(IN_STANDBY);
    for (int action : List.of(1, 2, 3, 4, 5, 7)) { // PERSISTENT RESERVE OUT, but for registering
      initiator.send(reserve(action), new byte[24]).fails(IN_STANDBY);
    }
    assertThat(lab.disk.log()).isEmpty();
  }

  private static String reserve(int action) {
    return String.format("5f %02x 05 00 00 00 00 00 18 00", action);
  }

  @Test
  void whatTellsOfTheUnitIsAnswered() {
    initiator.send(reserve(0), new byte[24]).isGood(); // REGISTER
    initiator.send(reserve(6), new byte[24]).isGood(); // REGISTER AND IGNORE EXISTING KEY
    List.of(
            "5e 00 00 00 00 00 00 00 ff 00", // PERSISTENT RESERVE IN, READ KEYS
            "5e 02 00 00 00 00 00 00 ff 00", // REPORT CAPABILITIES
            "12 00 00 00 ff 00", // INQUIRY
            "12 01 83 00 ff 00",
            "a0 00 00 00 00 00 00 00 01 00 00 00", // REPORT LUNS
            "25 00 00 00 00 00 00 00 00 00", // READ CAPACITY (10), which Linux wants of each path
            "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
            "1a 00 3f 00 ff 00", // MODE SENSE (6)
            "4d 00 40 00 00 00 00 00 ff 00", // LOG SENSE
            "a3 0a 00 00 00 00 00 00 10 00 00 00", // REPORT TARGET PORT GROUPS
            "a3 0c 00 00 00 00 00 00 10 00 00 00") // REPORT SUPPORTED OPERATION CODES
        .forEach(cdb -> initiator.send(cdb).isGood());
    byte[] sense = initiator.send("03 00 00 00 ff 00").data(); // REQUEST SENSE
    assertThat(sense[2]).isEqualTo((byte) 2);
    assertThat(sense[12]).isEqualTo((byte) 0x04);
    assertThat(sense[13]).isEqualTo((byte) 0x0b);
  }

  @Test
  void theGroupHasTheStateAndAChangeIsAUnitAttention() {
    String groups = "a3 0a 00 00 00 00 00 00 10 00 00 00";
    assertThat(initiator.send(groups).data()).startsWith(Lab.hex("00 00 00 10 02 05 12 34"));
    assertThat(HexFormat.of().formatHex(initiator.send("12 01 83 00 ff 00").data()))
        .as("the designator of the group")
        .contains("5195000400001234");
    state = AccessState.ACTIVE_OPTIMIZED;
    lab.unit.accessStateChanged();
    initiator.send("00 00 00 00 00 00").fails("6/2a/06");
    initiator.send("00 00 00 00 00 00").isGood();
    initiator.send("28 00 00 00 00 00 00 00 01 00").isGood();
    assertThat(initiator.send(groups).data()).startsWith(Lab.hex("00 00 00 10 00 05 12 34"));
  }
}
