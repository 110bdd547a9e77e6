// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.command.CommandTable;
import org.anabranch.scsi.unit.Command;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Which command gets past which reservation (SPC-4 table 65, SBC-3 table 13, SPC-2 5.5.1). */
final class ReservationConflictTest {
  /**
   * One row of the standards' tables.
   *
   * @param past the reservations of others that let it through: w write exclusive, e exclusive
   *     access, r RESERVE; o one's own RESERVE
   */
  record Row(String cdb, String past) {}

  private static final String ANYTHING = "wero";
  private static final String READS = "wo";
  private static final String WRITES = "o";
  private static final String TELLS = "weo";
  private static final String RESERVES = "we";

  private static final List<Row> ROWS =
      List.of(
          new Row("12 00 00 00 ff 00", ANYTHING),
          new Row("a0 00 00 00 00 00 00 00 00 ff 00 00", ANYTHING),
          new Row("03 00 00 00 12 00", ANYTHING),
          new Row("4d 00 40 00 00 00 00 00 ff 00", ANYTHING),
          new Row("25 00 00 00 00 00 00 00 00 00", ANYTHING),
          new Row("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", ANYTHING),
          new Row("1e 00 00 00 00 00", ANYTHING),
          new Row("1e 00 00 00 01 00", WRITES),
          new Row("00 00 00 00 00 00", TELLS),
          new Row("a3 0a 00 00 00 00 00 00 00 ff 00 00", TELLS),
          new Row("84 00 00 00 00 00 00 00 00 00 00 00 00 ff 00 00", TELLS),
          new Row("84 03 00 00 00 00 00 00 00 00 00 00 00 ff 00 00", TELLS),
          new Row("1b 00 00 00 01 00", TELLS),
          new Row("1b 00 00 00 03 00", TELLS),
          new Row("1b 00 00 00 00 00", WRITES),
          new Row("1b 00 00 00 02 00", WRITES),
          new Row("1b 00 00 00 11 00", WRITES),
          new Row("1b 00 00 00 30 00", WRITES),
          new Row("1a 08 08 00 ff 00", READS),
          new Row("5a 08 08 00 00 00 00 00 ff 00", READS),
          new Row("a3 0c 00 00 00 00 00 00 10 00 00 00", READS),
          new Row("a3 0d 00 00 00 00 00 00 00 04 00 00", READS),
          new Row("37 00 0d 00 00 00 00 00 20 00", READS),
          new Row("b7 0d 00 00 00 00 00 00 00 20 00 00", READS),
          new Row("9e 12 00 00 00 00 00 00 00 00 00 00 00 18 00 00", READS),
          new Row("34 00 00 00 00 00 00 00 01 00", READS),
          new Row("90 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", READS),
          new Row("08 00 00 00 01 00", READS),
          new Row("28 00 00 00 00 00 00 00 01 00", READS),
          new Row("a8 00 00 00 00 00 00 00 00 01 00 00", READS),
          new Row("88 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", READS),
          new Row("2f 00 00 00 00 00 00 00 01 00", READS),
          new Row("af 00 00 00 00 00 00 00 00 01 00 00", READS),
          new Row("8f 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", READS),
          new Row("0a 00 00 00 01 00", WRITES),
          new Row("2a 00 00 00 00 00 00 00 01 00", WRITES),
          new Row("aa 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("8a 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("2e 00 00 00 00 00 00 00 01 00", WRITES),
          new Row("ae 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("8e 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("41 00 00 00 00 00 00 00 01 00", WRITES),
          new Row("93 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("42 00 00 00 00 00 00 00 00 00", WRITES),
          new Row("89 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", WRITES),
          new Row("8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", WRITES),
          new Row("35 00 00 00 00 00 00 00 00 00", WRITES),
          new Row("91 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", WRITES),
          new Row("15 10 00 00 00 00", WRITES),
          new Row("55 10 00 00 00 00 00 00 00 00", WRITES),
          new Row("1d 04 00 00 00 00", WRITES),
          new Row("83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", WRITES),
          new Row("04 10 00 00 00 00", WRITES),
          new Row("48 81 00 00 00 00 00 00 08 00", WRITES),
          new Row("48 82 00 00 00 00 00 00 00 00", WRITES),
          new Row("48 83 00 00 00 00 00 00 00 00", WRITES),
          new Row("48 1f 00 00 00 00 00 00 00 00", WRITES),
          new Row("5e 00 00 00 00 00 00 01 00 00", RESERVES),
          new Row("5e 01 00 00 00 00 00 01 00 00", RESERVES),
          new Row("5e 02 00 00 00 00 00 01 00 00", RESERVES),
          new Row("5e 03 00 00 00 00 00 01 00 00", RESERVES),
          new Row("5f 06 00 00 00 00 00 00 18 00", RESERVES));

  /** RESERVE and RELEASE conflict while anybody is registered; other rules hold for these keys. */
  private static final Set<String> BY_OTHER_RULES =
      Set.of("16", "56", "17", "57", "5f 00", "5f 01", "5f 02", "5f 03", "5f 04", "5f 05", "5f 07");

  private final List<Lab.Initiator> all = new ArrayList<>();

  static List<Row> rows() {
    return ROWS;
  }

  private void begin() {
    Lab lab = new Lab(64, Lab.properties(), ReservationStore.NONE);
    all.clear();
    for (String name : List.of("holder", "registrant", "other")) {
      all.add(lab.initiator("iqn.2026-11.org.example:" + name));
    }
  }

  private static void register(Lab.Initiator by) {
    byte[] list = new byte[24];
    list[15] = 1;
    by.send("5f 06 00 00 00 00 00 00 18 00", list).isGood();
  }

  private static boolean conflicts(Lab.Initiator by, String cdb) {
    return by.send(cdb, new byte[1024]).status() == Status.RESERVATION_CONFLICT;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void pastPersistentReservations(Row row) {
    for (int type : new int[] {1, 3, 5, 6, 7, 8}) {
      boolean exclusive = type == 3 || type == 6 || type == 8;
      boolean stopped = !row.past.contains(exclusive ? "e" : "w");
      boolean[] conflicts = {false, stopped && type < 5, stopped};
      for (int who = 0; who < conflicts.length; who++) {
        begin();
        register(all.get(0));
        register(all.get(1));
        byte[] list = new byte[24];
        list[7] = 1;
        all.getFirst().send(String.format("5f 01 %02x 00 00 00 00 00 18 00", type), list).isGood();
        assertThat(conflicts(all.get(who), row.cdb))
            .as(
                "%s of %s, type %d",
                row.cdb, List.of("holder", "registrant", "other").get(who), type)
            .isEqualTo(conflicts[who]);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void pastReserve(Row row) {
    begin();
    all.getFirst().send("16 00 00 00 00 00").isGood();
    assertThat(conflicts(all.get(2), row.cdb)).as("another's").isEqualTo(!row.past.contains("r"));
    assertThat(conflicts(all.get(0), row.cdb)).as("one's own").isEqualTo(!row.past.contains("o"));
  }

  @Test
  void everyCommandHasARow() {
    Set<String> told =
        ROWS.stream()
            .map(row -> Lab.hex(row.cdb))
            .map(cdb -> CommandTable.DISK.find(Lab.disk().unit, Arrays.copyOf(cdb, 16)))
            .map(String::valueOf)
            .collect(Collectors.toSet());
    for (Command command : CommandTable.DISK.all()) {
      String key = HexFormat.of().toHexDigits((byte) command.opcode());
      String action =
          command.hasServiceAction()
              ? " " + HexFormat.of().toHexDigits((byte) command.serviceAction())
              : "";
      assertThat(told.contains(command.name) || BY_OTHER_RULES.contains(key + action))
          .as(command.name)
          .isTrue();
    }
  }
}
