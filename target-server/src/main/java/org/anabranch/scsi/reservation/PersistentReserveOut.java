// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Registrant;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.data.TransportId;
import org.anabranch.scsi.reservation.PersistentReservations.Conflict;
import org.anabranch.scsi.reservation.PersistentReservations.Owed;
import org.anabranch.scsi.reservation.Reservations.End;
import org.anabranch.scsi.reservation.SharedRecord.Writer;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PERSISTENT RESERVE OUT (SPC-4 6.16): the parameter lists; what the service actions do is {@link
 * PersistentReservations}. SCOPE and TYPE are looked at by those that make or end a reservation,
 * and by others ignored.
 *
 * <p>Of several servers that show a unit, one that stands by only registers (SPC-4 5.15.2.4.4 has
 * all of these commands there): what changes a reservation, or takes a registration away from
 * another nexus, must take effect at once where commands are judged by it.
 */
public final class PersistentReserveOut {
  private static final Logger log = LoggerFactory.getLogger(PersistentReserveOut.class);

  private static final int LIST_LENGTH = 24;
  private static final int SPEC_I_PT = 3;
  private static final int ALL_TG_PT = 2;
  private static final int APTPL = 0;
  private static final List<Registrant> NOBODY = List.of();

  /** What a registration does about the key that its nexus has. */
  private enum ExistingKey {
    /** The list must have it: REGISTER. */
    CHECKED,
    /** REGISTER AND IGNORE EXISTING KEY. */
    IGNORED
  }

  /** A service action with the basic parameter list. */
  private interface Basic {
    List<Registrant> apply(
        PersistentReservations state,
        Registrant self,
        long key,
        long actionKey,
        PersistentReservations.NamedType type)
        throws Conflict, CheckCondition;
  }

  private PersistentReserveOut() {}

  public static void add(Consumer<Command> table) {
    table.accept(
        out("REGISTER", "00")
            .traits(Command.Trait.IN_STANDBY)
            .runs((unit, task) -> register(unit, task, ExistingKey.CHECKED)));
    table.accept(
        out("REGISTER AND IGNORE EXISTING KEY", "06")
            .traits(Command.Trait.IN_STANDBY)
            .runs((unit, task) -> register(unit, task, ExistingKey.IGNORED)));
    table.accept(
        basic(
            "RESERVE",
            "01",
            (state, self, key, actionKey, type) -> {
              state.reserve(self, key, type.get());
              return NOBODY;
            }));
    table.accept(
        basic(
            "RELEASE",
            "02",
            (state, self, key, actionKey, type) -> {
              state.release(self, key, type.get());
              return NOBODY;
            }));
    table.accept(
        out("CLEAR", "03")
            .runs((unit, task) -> {
              byte[] list = list(task);
              act(
                  unit,
                  task,
                  null,
                  Writer.OWNER,
                  false,
                  state -> {
                    state.clear(task.nexus().registrant(), BigEndian.u64(list, 0));
                    return NOBODY;
                  });
            }));
    table.accept(basic("PREEMPT", "04", PersistentReservations::preempt));
    table.accept(basic("PREEMPT AND ABORT", "05", PersistentReservations::preempt));
    table.accept(out("REGISTER AND MOVE", "07").runs(PersistentReserveOut::move));
  }

  private static Command out(String name, String action) {
    return new Command(
            "PERSISTENT RESERVE OUT, " + name, "5f " + action + " ff 00 00 ff ff ff ff 00")
        .byServiceAction()
        .access(Access.PERSISTENT)
        .withoutIo()
        .dataOut((unit, cdb) -> Math.min(BigEndian.u32(cdb, 5), LogicalUnit.MAX_PARAMETERS));
  }

  private static Command basic(String name, String action, Basic basic) {
    return out(name, action).runs((unit, task) -> basic(unit, task, basic));
  }

  private static byte[] list(Task task) throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length >= LIST_LENGTH && BigEndian.bit(list, 20, SPEC_I_PT)) {
      throw CheckCondition.inParameters(20, SPEC_I_PT);
    }
    if (list.length != LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    return list;
  }

  private static void basic(LogicalUnit unit, Task task, Basic basic) throws CheckCondition {
    byte[] cdb = task.cdb();
    byte[] list = list(task);
    boolean aborts = (cdb[1] & 0x1f) == 5;
    act(
        unit,
        task,
        null,
        Writer.OWNER,
        aborts,
        state ->
            basic.apply(
                state,
                task.nexus().registrant(),
                BigEndian.u64(list, 0),
                BigEndian.u64(list, 8),
                () -> type(cdb)));
  }

  private static ReservationType type(byte[] cdb) throws CheckCondition {
    if (cdb[2] >> 4 != 0) {
      throw CheckCondition.inCdb(2, 7); // Only the scope of a logical unit is defined.
    }
    ReservationType type = ReservationType.of(cdb[2] & 0x0f);
    if (type == null) {
      throw CheckCondition.inCdb(2, 3);
    }
    return type;
  }

  private static void register(LogicalUnit unit, Task task, ExistingKey existing)
      throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length < LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    long key = BigEndian.u64(list, 0);
    long actionKey = BigEndian.u64(list, 8);
    boolean others = BigEndian.bit(list, 20, SPEC_I_PT);
    boolean allPorts = BigEndian.bit(list, 20, ALL_TG_PT);
    boolean survive = BigEndian.bit(list, 20, APTPL);
    if (!others && list.length != LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (others && existing == ExistingKey.IGNORED) {
      throw CheckCondition.inParameters(20, SPEC_I_PT);
    }
    if (survive && !unit.part(Reservations.class).canSurvivePowerLoss()) {
      throw CheckCondition.inParameters(20, APTPL);
    }
    Set<String> initiators = new LinkedHashSet<>();
    initiators.add(task.nexus().initiator().portName());
    if (others) {
      initiators.addAll(initiators(list, unit.attentions().nexuses()));
    }
    List<TargetPort> ports = allPorts ? unit.ports() : List.of(task.nexus().port());
    List<Registrant> registrants = registrants(initiators, ports);
    Registrant self = task.nexus().registrant();
    act(
        unit,
        task,
        survive,
        Writer.ANY,
        false,
        state -> {
          Long own = state.keys().get(self);
          if (existing == ExistingKey.CHECKED && (own == null ? key != 0 : own != key)) {
            throw new Conflict();
          }
          if (own != null && others) {
            throw CheckCondition.inParameters(20, SPEC_I_PT);
          }
          if (own != null || actionKey != 0) {
            state.register(registrants, actionKey);
          }
          return NOBODY;
        });
  }

  /** SPC-4 6.16.3: additional length, then TransportIDs. */
  private static Set<String> initiators(byte[] list, Collection<Nexus> sessions)
      throws CheckCondition {
    if (list.length < LIST_LENGTH + 4 || BigEndian.u32(list, 24) != list.length - 28) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    Set<String> ports = new LinkedHashSet<>();
    int at = LIST_LENGTH + 4;
    while (at < list.length) {
      int length = TransportId.length(list, at);
      if (at + length > list.length) {
        throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
      }
      ports.addAll(TransportId.ports(list, at, sessions));
      at += length;
    }
    return ports;
  }

  private static List<Registrant> registrants(Set<String> initiators, List<TargetPort> ports) {
    List<Registrant> registrants = new ArrayList<>();
    for (String initiator : initiators) {
      for (TargetPort port : ports) {
        registrants.add(new Registrant(initiator, port.relativeIdentifier()));
      }
    }
    return registrants;
  }

  /** SPC-4 6.16.4. */
  private static void move(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length < LIST_LENGTH || BigEndian.u32(list, 20) != list.length - LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (TransportId.length(list, LIST_LENGTH) != list.length - LIST_LENGTH) {
      throw CheckCondition.inParameters(20);
    }
    boolean unregister = BigEndian.bit(list, 17, 1);
    boolean survive = BigEndian.bit(list, 17, 0);
    int port = BigEndian.u16(list, 18);
    if (unit.ports().stream().noneMatch(each -> each.relativeIdentifier() == port)) {
      throw CheckCondition.inParameters(18);
    }
    if (survive && !unit.part(Reservations.class).canSurvivePowerLoss()) {
      throw CheckCondition.inParameters(17, APTPL);
    }
    Registrant to = new Registrant(TransportId.port(list, LIST_LENGTH), port);
    act(
        unit,
        task,
        survive,
        Writer.OWNER,
        false,
        state -> {
          state.move(
              task.nexus().registrant(),
              BigEndian.u64(list, 0),
              to,
              BigEndian.u64(list, 8),
              unregister);
          return NOBODY;
        });
  }

  private static void act(
      LogicalUnit unit,
      Task task,
      @Nullable Boolean survive,
      Writer writer,
      boolean aborts,
      Reservations.Action action) {
    Completion completion = new Completion(unit, task);
    unit.part(Reservations.class)
        .act(
            action,
            survive,
            writer,
            end -> {
              switch (end) {
                case End.Done done -> done(unit, task, aborts, done, completion);
                case End.Conflicting() -> unit.conflict(task);
                case End.Refused(CheckCondition answer) -> unit.check(task, answer.sense());
                case End.Failed(IOException reason) -> failed(unit, task, reason);
              }
            },
            completion::saved);
  }

  private static void done(
      LogicalUnit unit, Task task, boolean aborts, End.Done done, Completion completion) {
    for (Owed owed : done.owed()) {
      unit.attentions().addIf(nexus -> nexus.registrant().equals(owed.to()), owed.code());
    }
    if (aborts) {
      unit.tasks()
          .abort(
              each ->
                  !each.isOf(task.nexus()) && done.removed().contains(each.nexus().registrant()),
              task.nexus(),
              unit.abortOfOthers(),
              completion::done);
    } else {
      completion.done();
    }
  }

  private static void failed(LogicalUnit unit, Task task, IOException reason) {
    task.nexus()
        .in(log.atError())
        .log(
            "the persistent reservations of {} could not be saved, so a command that changes them"
                + " failed: {}",
            unit.device().name(),
            reason.toString());
    unit.check(task, Sense.of(SenseCode.INTERNAL_TARGET_FAILURE));
  }

  /** Ends the command when the state is saved and what it aborted has ended. */
  private static final class Completion {
    private final LogicalUnit unit;
    private final Task task;

    @GuardedBy("this")
    private int left = 2;

    @GuardedBy("this")
    private @Nullable IOException failure;

    Completion(LogicalUnit unit, Task task) {
      this.unit = unit;
      this.task = task;
    }

    void saved(@Nullable IOException error) {
      synchronized (this) {
        failure = error;
      }
      done();
    }

    void done() {
      IOException error;
      synchronized (this) {
        if (--left > 0) {
          return;
        }
        error = failure;
      }
      if (error == null) {
        unit.good(task);
      } else {
        failed(unit, task, error);
      }
    }
  }
}
