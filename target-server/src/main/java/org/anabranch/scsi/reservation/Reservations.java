// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Registrant;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.reservation.PersistentReservations.Conflict;
import org.anabranch.scsi.reservation.PersistentReservations.Owed;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.ReservationCheck;
import org.jspecify.annotations.Nullable;

/**
 * Who may use a logical unit: the reservation that RESERVE made (SPC-2 5.5.1), which ends with its
 * session, and persistent ones, which end when somebody ends them; with APTPL they survive a loss
 * of power, through a {@link ReservationStore}. RESERVE and RELEASE conflict while anybody is
 * registered (CRH = 0).
 *
 * <p>One lock guards both. The store is called with it held, so that saves keep their order; it
 * does not block.
 */
public final class Reservations implements ReservationCheck {
  /** An action on the persistent ones; returns the registrants that it removed. */
  interface Action {
    List<Registrant> apply(PersistentReservations persistent) throws Conflict, CheckCondition;
  }

  /** What is left to do when an action has succeeded. */
  record Outcome(List<Registrant> removed, List<Owed> owed) {}

  private final String unit;
  private final ReservationStore store;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final PersistentReservations persistent = new PersistentReservations();

  @GuardedBy("lock")
  private @Nullable Nexus reservedBy;

  /** Whether there is any reservation; written under lock. */
  private volatile boolean any;

  /** Without a store. */
  public Reservations(String unit) {
    this.unit = unit;
    store = ReservationStore.NONE;
  }

  /**
   * @throws IOException if what was saved can't be read: to go on without it could let a machine
   *     write that was fenced off
   */
  public Reservations(String unit, ReservationStore store) throws IOException {
    this.unit = unit;
    this.store = store;
    String saved = store.load(unit);
    if (saved != null) {
      try {
        SavedReservations restored = SavedReservations.parse(saved);
        persistent.restore(restored.keys(), restored.holder(), restored.type());
      } catch (IllegalArgumentException e) {
        throw new IOException("the persistent reservations of unit " + unit + " are damaged", e);
      }
    }
    publish();
  }

  /** Whether a reservation stops a command; one's own stops only what sets out to make another. */
  @Override
  public boolean conflicts(Nexus nexus, Access access) {
    if (!any || access == Access.FREE) {
      return false;
    }
    synchronized (lock) {
      return (reservedBy != null && (!nexus.equals(reservedBy) || access == Access.PERSISTENT))
          || persistent.conflicts(nexus.registrant(), access);
    }
  }

  /** RESERVE. */
  boolean reserve(Nexus nexus) {
    synchronized (lock) {
      if (!persistent.keys().isEmpty() || (reservedBy != null && !nexus.equals(reservedBy))) {
        return false;
      }
      reservedBy = nexus;
      publish();
      return true;
    }
  }

  /** RELEASE. Does nothing for a nexus that has no reservation. False for a conflict. */
  boolean release(Nexus nexus) {
    synchronized (lock) {
      if (!persistent.keys().isEmpty()) {
        return false;
      }
      dropReserve(nexus);
      return true;
    }
  }

  /** The nexus is gone. */
  @Override
  public void nexusLost(Nexus nexus) {
    synchronized (lock) {
      dropReserve(nexus);
    }
  }

  /** The unit was reset. Ends the reservation by RESERVE; persistent reservations stay. */
  @Override
  public void reset() {
    synchronized (lock) {
      reservedBy = null;
      publish();
    }
  }

  @GuardedBy("lock")
  private void dropReserve(Nexus nexus) {
    if (nexus.equals(reservedBy)) {
      reservedBy = null;
      publish();
    }
  }

  /** Looks at the persistent ones. */
  <T> T read(Function<PersistentReservations, T> reader) {
    synchronized (lock) {
      return reader.apply(persistent);
    }
  }

  /** Whether APTPL = 1 is supported. */
  boolean canSurvivePowerLoss() {
    return store.keeps();
  }

  /**
   * Carries out an action on the persistent reservations. Saves the result if APTPL is set, or was
   * set before.
   *
   * @param survive APTPL of an action that has it, otherwise null
   * @param saved called when the result is saved or need not be: with null, or with the error
   */
  Outcome act(Action action, @Nullable Boolean survive, Consumer<@Nullable IOException> saved)
      throws Conflict, CheckCondition {
    synchronized (lock) {
      List<Registrant> removed = action.apply(persistent);
      boolean before = persistent.survivesPowerLoss();
      if (survive != null) {
        persistent.survivePowerLoss(survive);
      }
      Outcome outcome = new Outcome(removed, persistent.takeOwed());
      publish();
      if (persistent.survivesPowerLoss() || before) {
        SavedReservations now =
            new SavedReservations(persistent.keys(), persistent.holder(), persistent.type());
        store.save(unit, persistent.survivesPowerLoss() ? now.toString() : null, saved);
      } else {
        saved.accept(null);
      }
      return outcome;
    }
  }

  @GuardedBy("lock")
  private void publish() {
    any = reservedBy != null || persistent.type() != null;
  }
}
