// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.TransportId;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** PERSISTENT RESERVE IN (SPC-4 6.15): who is registered, who holds what, what can be had. */
public final class PersistentReserveIn {
  private static final Logger log = LoggerFactory.getLogger(PersistentReserveIn.class);
  private static final int TYPES = 0xea01; // all six, SPC-4 table 208

  private PersistentReserveIn() {}

  public static void add(Consumer<Command> table) {
    table.accept(in("READ KEYS", "00", PersistentReserveIn::readKeys));
    table.accept(in("READ RESERVATION", "01", PersistentReserveIn::readReservation));
    table.accept(in("READ FULL STATUS", "03", PersistentReserveIn::fullStatus));
    table.accept(command("REPORT CAPABILITIES", "02").replies((unit, task) -> capabilities(unit)));
  }

  private static Command command(String name, String action) {
    return new Command(
            "PERSISTENT RESERVE IN, " + name, "5e " + action + " 00 00 00 00 00 ff ff 00")
        .byServiceAction()
        .access(Access.PERSISTENT)
        .traits(Command.Trait.IN_STANDBY)
        .dataIn((unit, cdb) -> BigEndian.u16(cdb, 7));
  }

  private static Command in(
      String name, String action, Function<PersistentReservations, byte[]> reader) {
    return command(name, action)
        .withoutIo()
        .runs((unit, task) ->
            unit.part(Reservations.class)
                .look(
                    reader,
                    data -> unit.reply(task, data),
                    failure -> unknown(unit, task, failure)));
  }

  private static void unknown(LogicalUnit unit, Task task, IOException failure) {
    task.nexus()
        .in(log.atError())
        .log(
            "the persistent reservations of {} could not be read: {}",
            unit.device().name(),
            failure.getMessage());
    unit.check(task, Sense.of(SenseCode.INTERNAL_TARGET_FAILURE));
  }

  private static byte[] readKeys(PersistentReservations state) {
    byte[] data = header(state, 8 * state.keys().size());
    int at = 8;
    for (long key : state.keys().values()) {
      BigEndian.put64(data, at, key);
      at += 8;
    }
    return data;
  }

  private static byte[] header(PersistentReservations state, int additional) {
    byte[] data = new byte[8 + additional];
    BigEndian.put32(data, 0, state.generation());
    BigEndian.put32(data, 4, additional);
    return data;
  }

  private static byte[] readReservation(PersistentReservations state) {
    ReservationType type = state.type();
    byte[] data = header(state, type == null ? 0 : 16);
    if (type != null) {
      BigEndian.put64(data, 8, state.holderKey());
      data[21] = (byte) type.code; // scope 0: logical unit
    }
    return data;
  }

  /** SPC-4 6.15.4. */
  private static byte[] capabilities(LogicalUnit unit) {
    byte[] data = new byte[8];
    BigEndian.put16(data, 0, 8);
    boolean keeps = unit.part(Reservations.class).canSurvivePowerLoss();
    data[2] = (byte) (0x0c | (keeps ? 0x01 : 0)); // SIP_C, ATP_C, PTPL_C
    boolean active = unit.part(Reservations.class).survivesPowerLoss();
    // TMV; ALLOW COMMANDS 011b: TEST UNIT READY always, MODE SENSE and so on past write exclusive.
    data[3] = (byte) (0xb0 | (active ? 0x01 : 0)); // and PTPL_A
    BigEndian.put16(data, 4, TYPES);
    return data;
  }

  /** SPC-4 6.15.5. */
  private static byte[] fullStatus(PersistentReservations state) {
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
  }
}
