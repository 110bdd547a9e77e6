// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.TransportId;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/** PERSISTENT RESERVE IN (SPC-4 6.15): who is registered, who holds what, what can be had. */
public final class PersistentReserveIn {
  private static final int TYPES = 0xea01; // all six, SPC-4 table 208

  private PersistentReserveIn() {}

  public static void add(Consumer<Command> table) {
    table.accept(in("READ KEYS", "00", (unit, task) -> readKeys(unit)));
    table.accept(in("READ RESERVATION", "01", (unit, task) -> readReservation(unit)));
    table.accept(in("REPORT CAPABILITIES", "02", (unit, task) -> capabilities(unit)));
    table.accept(in("READ FULL STATUS", "03", (unit, task) -> fullStatus(unit)));
  }

  private static Command in(String name, String action, Command.Reply reply) {
    return new Command(
            "PERSISTENT RESERVE IN, " + name, "5e " + action + " 00 00 00 00 00 ff ff 00")
        .byServiceAction()
        .access(Access.PERSISTENT)
        .dataIn((unit, cdb) -> BigEndian.u16(cdb, 7))
        .replies(reply);
  }

  private static byte[] readKeys(LogicalUnit unit) {
    return unit.part(Reservations.class)
        .read(state -> {
          byte[] data = header(state, 8 * state.keys().size());
          int at = 8;
          for (long key : state.keys().values()) {
            BigEndian.put64(data, at, key);
            at += 8;
          }
          return data;
        });
  }

  private static byte[] header(PersistentReservations state, int additional) {
    byte[] data = new byte[8 + additional];
    BigEndian.put32(data, 0, state.generation());
    BigEndian.put32(data, 4, additional);
    return data;
  }

  private static byte[] readReservation(LogicalUnit unit) {
    return unit.part(Reservations.class)
        .read(state -> {
          ReservationType type = state.type();
          byte[] data = header(state, type == null ? 0 : 16);
          if (type != null) {
            BigEndian.put64(data, 8, state.holderKey());
            data[21] = (byte) type.code; // scope 0: logical unit
          }
          return data;
        });
  }

  /** SPC-4 6.15.4. */
  private static byte[] capabilities(LogicalUnit unit) {
    byte[] data = new byte[8];
    BigEndian.put16(data, 0, 8);
    boolean keeps = unit.part(Reservations.class).canSurvivePowerLoss();
    data[2] = (byte) (0x0c | (keeps ? 0x01 : 0)); // SIP_C, ATP_C, PTPL_C
    boolean active = unit.part(Reservations.class).read(PersistentReservations::survivesPowerLoss);
    // TMV; ALLOW COMMANDS 011b: TEST UNIT READY always, MODE SENSE and so on past write exclusive.
    data[3] = (byte) (0xb0 | (active ? 0x01 : 0)); // and PTPL_A
    BigEndian.put16(data, 4, TYPES);
    return data;
  }

  /** SPC-4 6.15.5. */
  private static byte[] fullStatus(LogicalUnit unit) {
    return unit.part(Reservations.class)
        .read(state -> {
          ByteArrayOutputStream body = new ByteArrayOutputStream();
          state
              .keys()
              .forEach((registrant, key) -> {
                byte[] id = TransportId.encode(registrant.initiatorPort());
                byte[] descriptor = new byte[24];
                BigEndian.put64(descriptor, 0, key);
                ReservationType type = state.type();
                if (type != null && state.isHolder(registrant)) {
                  descriptor[12] = 0x01; // R_HOLDER
                  descriptor[13] = (byte) type.code;
                }
                BigEndian.put16(descriptor, 18, registrant.targetPort());
                BigEndian.put32(descriptor, 20, id.length);
                body.writeBytes(descriptor);
                body.writeBytes(id);
              });
          byte[] data = header(state, body.size());
          System.arraycopy(body.toByteArray(), 0, data, 8, body.size());
          return data;
        });
  }
}
