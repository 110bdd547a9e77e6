// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
 * <p>Persistent reservations of a unit that several servers show are kept where all of them read
 * and change them ({@link SharedRecord}), with and without APTPL: for hosts a server that takes the
 * unit over is no loss of power.
 *
 * <p>One lock guards both. The store is called with it held, so that saves keep their order; it
 * does not block.
 */
public final class Reservations implements ReservationCheck {
  /** An action on the persistent ones; returns the registrants that it removed. */
  interface Action {
    List<Registrant> apply(PersistentReservations persistent) throws Conflict, CheckCondition;
  }

  /** How an action has ended. */
  sealed interface End {
    /** It is done; what is left to do. */
    record Done(List<Registrant> removed, List<Owed> owed) implements End {}

    /** The rules say RESERVATION CONFLICT. */
    record Conflicting() implements End {}

    /** The command ends otherwise. */
    record Refused(CheckCondition answer) implements End {}

    /** It is not known whether it was done. */
    record Failed(IOException reason) implements End {}
  }

  private final String unit;
  private final ReservationStore store;

  /** Null: no other server shows the unit. */
  private final @Nullable SharedReservations shared;

  private final Object lock = new Object();

  @GuardedBy("lock")
  private PersistentReservations persistent = new PersistentReservations();

  @GuardedBy("lock")
  private @Nullable Nexus reservedBy;

  /** Why it is not known what holds; null when it is. Written under lock. */
  private volatile @Nullable String unknown;

  /** Whether there is any reservation, or may be; written under lock. */
  private volatile boolean any;

  /** Without a store. */
  public Reservations(String unit) {
    this.unit = unit;
    store = ReservationStore.NONE;
    shared = null;
  }

  /**
   * Of a unit that other servers show, too. Until {@link #arrive} has read what holds, it counts as
   * reserved by somebody else.
   *
   * @param record where all of them keep its persistent reservations
   */
  public Reservations(String unit, SharedRecord record) {
    this.unit = unit;
    store = ReservationStore.NONE;
    shared = new SharedReservations(record, this::know);
    unknown = "its persistent reservations have not been read";
    publish();
  }

  private void know(PersistentReservations now) {
    synchronized (lock) {
      persistent = now;
      unknown = null;
      publish();
    }
  }

  /** Why it is not known what holds, so that nobody may use the medium; null when it is known. */
  public @Nullable String unknown() {
    return unknown;
  }

  /**
   * Reads what other servers have changed, before commands are judged by it. Fails with an {@link
   * IOException}; until a later read succeeds, nobody may use the medium. Does nothing for a unit
   * of this server alone.
   *
   * @param kept what this server kept alone, as {@link SavedReservations}; taken over if servers
   *     share nothing yet. Null: nothing
   */
  public CompletableFuture<@Nullable Void> arrive(@Nullable String kept) {
    CompletableFuture<@Nullable Void> read = new CompletableFuture<>();
    if (shared == null) {
      read.complete(null);
    } else {
      shared.arrive(
          kept,
          () -> read.complete(null),
          failure -> {
            synchronized (lock) {
              unknown = String.valueOf(failure.getMessage());
              publish();
            }
            read.completeExceptionally(failure);
          });
    }
    return read;
  }

  /**
   * @throws IOException if what was saved can't be read: to go on without it could let a machine
   *     write that was fenced off
   */
  public Reservations(String unit, ReservationStore store) throws IOException {
    this.unit = unit;
    this.store = store;
    shared = null;
    String saved = store.load(unit);
    if (saved != null) {
      try {
        SavedReservations restored = SavedReservations.parse(saved);
        persistent.restore(restored.keys(), restored.holder(), restored.type(), 0);
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
      if (unknown != null && access.compareTo(Access.READ) >= 0) {
        return true;
      }
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

  /**
   * Looks at the persistent ones.
   *
   * @param taker takes what the reader made of them, now or later
   * @param failed told if that is not possible
   */
  <T> void look(
      Function<PersistentReservations, T> reader, Consumer<T> taker, Consumer<IOException> failed) {
    if (shared != null) {
      shared.read(state -> taker.accept(reader.apply(state)), failed);
      return;
    }
    T found;
    synchronized (lock) {
      found = reader.apply(persistent);
    }
    taker.accept(found);
  }

  /** Whether APTPL = 1 is supported. */
  boolean canSurvivePowerLoss() {
    return shared != null || store.keeps();
  }

  /**
   * Whether the persistent ones survive a loss of power now. Those that servers share always do.
   */
  boolean survivesPowerLoss() {
    synchronized (lock) {
      return shared != null || persistent.survivesPowerLoss();
    }
  }

  /**
   * Carries out an action on the persistent reservations. Saves the result if APTPL is set, or was
   * set before.
   *
   * @param survive APTPL of an action that has it, otherwise null
   * @param writer which of several servers may do it
   * @param end told how it ended, before this returns or later, on any thread
   * @param saved called when the result of an action that was done is saved or need not be: with
   *     null, or with the error
   */
  void act(
      Action action,
      @Nullable Boolean survive,
      SharedRecord.Writer writer,
      Consumer<End> end,
      Consumer<@Nullable IOException> saved) {
    if (shared == null) {
      end.accept(actHere(action, survive, saved));
      return;
    }
    shared.act(
        action,
        writer,
        ended -> {
          end.accept(ended);
          if (ended instanceof End.Done) {
            saved.accept(null);
          }
        });
  }

  private End actHere(
      Action action, @Nullable Boolean survive, Consumer<@Nullable IOException> saved) {
    synchronized (lock) {
      List<Registrant> removed;
      try {
        removed = action.apply(persistent);
      } catch (Conflict e) {
        return new End.Conflicting();
      } catch (CheckCondition e) {
        return new End.Refused(e);
      }
      boolean before = persistent.survivesPowerLoss();
      if (survive != null) {
        persistent.survivePowerLoss(survive);
      }
      publish();
      if (persistent.survivesPowerLoss() || before) {
        SavedReservations now =
            new SavedReservations(persistent.keys(), persistent.holder(), persistent.type());
        store.save(unit, persistent.survivesPowerLoss() ? now.toString() : null, saved);
      } else {
        saved.accept(null);
      }
      return new End.Done(removed, persistent.takeOwed());
    }
  }

  @GuardedBy("lock")
  private void publish() {
    any = reservedBy != null || persistent.type() != null || unknown != null;
  }
}
