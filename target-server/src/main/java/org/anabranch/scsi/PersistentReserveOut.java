// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.scsi.PersistentReservations.Conflict;
import org.anabranch.scsi.PersistentReservations.Owed;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PERSISTENT RESERVE OUT (SPC-4 6.16): the parameter lists; what the service actions do is {@link
 * PersistentReservations}.
 */
final class PersistentReserveOut {
  private static final Logger log = LoggerFactory.getLogger(PersistentReserveOut.class);

  private static final int LIST_LENGTH = 24;
  private static final int SPEC_I_PT = 3;
  private static final int ALL_TG_PT = 2;
  private static final int APTPL = 0;
  private static final List<Registrant> NOBODY = List.of();

  /** A service action with the basic parameter list. */
  private interface Basic {
    List<Registrant> apply(
        PersistentReservations state,
        Registrant self,
        long key,
        long actionKey,
        ReservationType type)
        throws Conflict, CheckCondition;
  }

  private PersistentReserveOut() {}

  static void add(CommandTable table) {
    table.add(out("REGISTER", "00", "00").runs((unit, task) -> register(unit, task, false)));
    table.add(
        out("REGISTER AND IGNORE EXISTING KEY", "06", "00")
            .runs((unit, task) -> register(unit, task, true)));
    table.add(
        basic(
            "RESERVE",
            "01",
            (state, self, key, actionKey, type) -> {
              state.reserve(self, key, type);
              return NOBODY;
            }));
    table.add(
        basic(
            "RELEASE",
            "02",
            (state, self, key, actionKey, type) -> {
              state.release(self, key, type);
              return NOBODY;
            }));
    table.add(
        out("CLEAR", "03", "00")
            .runs((unit, task) -> {
              byte[] list = list(task);
              act(
                  unit,
                  task,
                  null,
                  false,
                  state -> {
                    state.clear(Registrant.of(task.nexus()), Bytes.u64(list, 0));
                    return NOBODY;
                  });
            }));
    table.add(basic("PREEMPT", "04", PersistentReserveOut::preempt));
    table.add(basic("PREEMPT AND ABORT", "05", PersistentReserveOut::preempt));
    table.add(out("REGISTER AND MOVE", "07", "00").runs(PersistentReserveOut::move));
  }

  private static Command out(String name, String action, String type) {
    return new Command(
            "PERSISTENT RESERVE OUT, " + name,
            "5f " + action + " " + type + " 00 00 ff ff ff ff 00")
        .byServiceAction()
        .access(Command.Access.STATUS)
        .dataOut((unit, cdb) -> Math.min(Bytes.u32(cdb, 5), LogicalUnit.MOST_PARAMETERS));
  }

  private static Command basic(String name, String action, Basic basic) {
    return out(name, action, "ff").runs((unit, task) -> basic(unit, task, basic));
  }

  private static List<Registrant> preempt(
      PersistentReservations state, Registrant self, long key, long victim, ReservationType type)
      throws Conflict, CheckCondition {
    return state.preempt(self, key, victim, type);
  }

  private static byte[] list(Task task) throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length != LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    return list;
  }

  private static void basic(LogicalUnit unit, Task task, Basic basic) throws CheckCondition {
    byte[] cdb = task.cdb();
    ReservationType type = ReservationType.of(cdb[2] & 0x0f);
    if (cdb[2] >> 4 != 0) {
      throw CheckCondition.inCdb(2, 7); // Only the scope of a logical unit is defined.
    }
    if (type == null) {
      throw CheckCondition.inCdb(2, 3);
    }
    byte[] list = list(task);
    boolean aborts = (cdb[1] & 0x1f) == 5;
    act(
        unit,
        task,
        null,
        aborts,
        state ->
            basic.apply(
                state, Registrant.of(task.nexus()), Bytes.u64(list, 0), Bytes.u64(list, 8), type));
  }

  private static void register(LogicalUnit unit, Task task, boolean ignoreKey)
      throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length < LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    long key = Bytes.u64(list, 0);
    long actionKey = Bytes.u64(list, 8);
    boolean others = Bytes.bit(list, 20, SPEC_I_PT);
    boolean allPorts = Bytes.bit(list, 20, ALL_TG_PT);
    boolean survive = Bytes.bit(list, 20, APTPL);
    if (!others && list.length != LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (others && ignoreKey) {
      throw CheckCondition.inParameters(20, SPEC_I_PT);
    }
    if (survive && !unit.reservations().canSurvivePowerLoss()) {
      throw CheckCondition.inParameters(20, APTPL);
    }
    List<String> initiators = new ArrayList<>();
    initiators.add(task.nexus().initiator().portName());
    if (others) {
      initiators.addAll(transportIds(list));
    }
    List<Registrant> registrants = registrants(task.nexus(), initiators, allPorts);
    Registrant self = Registrant.of(task.nexus());
    act(
        unit,
        task,
        survive,
        false,
        state -> {
          Long own = state.keys().get(self);
          if (!ignoreKey && (own == null ? key != 0 : own != key)) {
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
  private static List<String> transportIds(byte[] list) throws CheckCondition {
    if (list.length < LIST_LENGTH + 4 || Bytes.u32(list, 24) != list.length - 28) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    List<String> ids = new ArrayList<>();
    int at = LIST_LENGTH + 4;
    while (at < list.length) {
      int length = TransportId.length(list, at);
      if (at + length > list.length) {
        throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
      }
      ids.add(TransportId.decode(list, at));
      at += length;
    }
    return ids;
  }

  private static List<Registrant> registrants(
      Nexus nexus, List<String> initiators, boolean allPorts) {
    List<TargetPort> ports = allPorts ? nexus.device().ports() : List.of(nexus.port());
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
    if (list.length < LIST_LENGTH || Bytes.u32(list, 20) != list.length - LIST_LENGTH) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (TransportId.length(list, LIST_LENGTH) != list.length - LIST_LENGTH) {
      throw CheckCondition.inParameters(20);
    }
    boolean unregister = Bytes.bit(list, 17, 1);
    boolean survive = Bytes.bit(list, 17, 0);
    int port = Bytes.u16(list, 18);
    if (task.nexus().device().ports().stream().noneMatch(p -> p.relativeIdentifier() == port)) {
      throw CheckCondition.inParameters(18);
    }
    if (survive && !unit.reservations().canSurvivePowerLoss()) {
      throw CheckCondition.inParameters(17, APTPL);
    }
    Registrant to = new Registrant(TransportId.decode(list, LIST_LENGTH), port);
    act(
        unit,
        task,
        survive,
        false,
        state -> {
          state.move(
              Registrant.of(task.nexus()), Bytes.u64(list, 0), to, Bytes.u64(list, 8), unregister);
          return NOBODY;
        });
  }

  private static void act(
      LogicalUnit unit,
      Task task,
      @Nullable Boolean survive,
      boolean aborts,
      Reservations.Action action)
      throws CheckCondition {
    Reservations.Outcome outcome;
    Completion completion = new Completion(unit, task);
    try {
      outcome = unit.reservations().act(action, survive, completion::saved);
    } catch (Conflict conflict) {
      unit.conflict(task);
      return;
    }
    for (Owed owed : outcome.owed()) {
      unit.attentions().addIf(nexus -> Registrant.of(nexus).equals(owed.to()), owed.code());
    }
    if (aborts) {
      unit.tasks()
          .abort(
              each ->
                  each.nexus() != task.nexus()
                      && outcome.removed().contains(Registrant.of(each.nexus())),
              task.nexus(),
              unit.abortOfOthers(),
              each -> {},
              completion::done);
    } else {
      completion.done();
    }
  }

  /** Ends the command when the state is saved and what it aborted has ended. */
  private static final class Completion {
    private final LogicalUnit unit;
    private final Task task;

    /** Guarded by this. */
    private int left = 2;

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
        log.error("the persistent reservations could not be saved", error);
        unit.check(task, Sense.of(SenseCode.INTERNAL_TARGET_FAILURE));
      }
    }
  }
}
