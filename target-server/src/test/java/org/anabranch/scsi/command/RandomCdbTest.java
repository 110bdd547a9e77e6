// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.reservation.ReservationStore;
import org.anabranch.scsi.unit.Command;
import org.junit.jupiter.api.Test;

/** Whatever bytes come: each command ends once, none breaks the unit, and memory stays bounded. */
final class RandomCdbTest {
  private static final int COMMANDS = 20_000;
  private static final int MAX_DATA = 64 << 10;

  @Test
  void nothingThatAnInitiatorSendsBreaksTheUnit() {
    long seed = Long.getLong("scsi.seed", System.nanoTime());
    Random random = new Random(seed);
    List<Command> known = CommandTable.DISK.all();
    Lab lab = new Lab(8192, Lab.properties(false, true, true, 512), ReservationStore.NONE);
    Lab.Initiator initiator = lab.initiator();
    String last = "";
    try {
      for (int i = 0; i < COMMANDS; i++) {
        byte[] cdb = new byte[16];
        random.nextBytes(cdb);
        if (random.nextInt(8) != 0) {
          shape(random, known.get(random.nextInt(known.size())), cdb);
        }
        byte[] out = new byte[random.nextInt(4) == 0 ? random.nextInt(MAX_DATA) : 24];
        random.nextBytes(out);
        if (random.nextBoolean()) {
          Arrays.fill(out, 0, Math.min(out.length, 16), (byte) random.nextInt(2));
        }
        last = HexFormat.ofDelimiter(" ").formatHex(cdb);
        Lab.Command command = initiator.begin(last, out).execute();
        lab.scheduler.advance(60_000_000_000L);
        assertThat(command.result().code()).as(last).isNotEqualTo("4/44/00");
      }
      Lab.Initiator fresh = lab.initiator("iqn.2026-11.org.example:fresh");
      assertThat(fresh.send("12 00 00 00 ff 00").data()).hasSize(96);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ", -Dscsi.seed=" + seed + ": " + last, e);
    }
  }

  /** A CDB that is nearly right: only bits of the usage map, lengths and LBAs often small. */
  private static void shape(Random random, Command command, byte[] cdb) {
    byte[] usage = command.usage();
    for (int at = 0; at < cdb.length; at++) {
      int mask = at < usage.length ? usage[at] : 0;
      cdb[at] = (byte) (at == 0 ? mask : cdb[at] & mask);
      boolean high = at >= 2 && at < usage.length - 3;
      if (high && random.nextInt(3) != 0) {
        cdb[at] = 0;
      }
    }
    if (command.hasServiceAction()) {
      cdb[1] = (byte) ((cdb[1] & 0xe0) | (usage[1] & 0x1f));
    }
  }
}
