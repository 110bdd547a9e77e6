// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;

/** Any CDB with any data: the command ends once, and not for a fault of ours. */
public final class CdbFuzzTest {
  private static final int CDB = 16;

  private static final int SECTORS = 2048;

  @Test
  void commands() throws Exception {
    Lab lab = lab(SECTORS);
    Lab.Initiator initiator = lab.initiator();
    new Fuzzer("commands").run(5_000, input -> take(lab, initiator, input));
    Lab.Initiator fresh = lab.initiator("iqn.2026-11.org.example:fresh");
    assertThat(fresh.send("12 00 00 00 ff 00").data()).hasSize(96);
  }

  /** The same on a unit of its own, of a few sectors. */
  public static String take(byte[] input) {
    Lab lab = lab(SECTORS / 16);
    return take(lab, lab.initiator(), input);
  }

  private static Lab lab(int sectors) {
    return new Lab(sectors, Lab.properties(false, true, true, 512), ReservationStore.NONE);
  }

  /** An input is a CDB of 16 bytes, and data-out. */
  private static String take(Lab lab, Lab.Initiator initiator, byte[] input) {
    byte[] cdb = Arrays.copyOf(input, CDB);
    byte[] out = input.length <= CDB ? new byte[0] : Arrays.copyOfRange(input, CDB, input.length);
    Lab.Command command = initiator.begin(HexFormat.ofDelimiter(" ").formatHex(cdb), out).execute();
    lab.scheduler.advance(60_000_000_000L);
    String code = command.result().code();
    assertThat(code).isNotEqualTo("4/44/00");
    return cdb[0] + " " + (cdb[1] & 0x1f) + " " + command.result().status() + " " + code;
  }
}
