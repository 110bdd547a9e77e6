// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.IOException;
import java.util.function.Consumer;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.reservation.PersistentReservations.Conflict;
import org.anabranch.scsi.reservation.Reservations.Action;
import org.anabranch.scsi.reservation.Reservations.End;
import org.anabranch.scsi.reservation.SharedRecord.Writer;
import org.jspecify.annotations.Nullable;

/**
 * The persistent reservations of a unit that several servers show. What holds is in their {@link
 * SharedRecord}: each command reads that, and changes it only if nobody else has done so meanwhile.
 * Each server knows a copy besides, by which it judges commands.
 *
 * <p>One thing at a time, in the order in which it was asked for. Any thread.
 */
final class SharedReservations {
  /** How often a change begins again because another server was faster. */
  private static final int ATTEMPTS = 32;

  private static final End STANDBY = new End.Refused(new CheckCondition(SenseCode.PORT_IN_STANDBY));

  private final SharedRecord record;
  private final Consumer<PersistentReservations> known;

  /**
   * @param known takes what holds, each time that it was read or changed
   */
  SharedReservations(SharedRecord record, Consumer<PersistentReservations> known) {
    this.record = record;
    this.known = known;
  }

  /** Something that may fail as the record does. */
  @FunctionalInterface
  private interface Work {
    void run() throws IOException;
  }

  private void later(Work work, Consumer<IOException> failed) {
    record.later(() -> {
      try {
        work.run();
      } catch (IOException e) {
        failed.accept(e);
      } catch (RuntimeException e) {
        failed.accept(new IOException(e));
      }
    });
  }

  /**
   * Reads what holds now; what this server kept alone holds if servers share nothing yet.
   *
   * @param kept the text of {@link SavedReservations}; null: nothing
   */
  void arrive(@Nullable String kept, Runnable done, Consumer<IOException> failed) {
    later(
        () -> {
          String text = record.read();
          if (text.isEmpty() && kept != null) {
            text = SharedText.render(saved(kept), record);
            if (!record.exchange("", text, Writer.OWNER)) {
              text = record.read();
            }
          }
          known.accept(SharedText.parse(text, record));
          done.run();
        },
        failed);
  }

  private static PersistentReservations saved(String kept) throws IOException {
    PersistentReservations state = new PersistentReservations();
    try {
      SavedReservations saved = SavedReservations.parse(kept);
      state.restore(saved.keys(), saved.holder(), saved.type(), 0);
      return state;
    } catch (IllegalArgumentException e) {
      throw new IOException("the persistent reservations that this server kept are damaged", e);
    }
  }

  /** Reads what holds now. */
  void read(Consumer<PersistentReservations> taker, Consumer<IOException> failed) {
    later(
        () -> {
          PersistentReservations now = SharedText.parse(record.read(), record);
          known.accept(now);
          taker.accept(now);
        },
        failed);
  }

  /**
   * Carries out an action; what it leads to is durable when {@code end} is told.
   *
   * @param writer who may do it; whatever ends a reservation, only the owner, who judges by it
   */
  void act(Action action, Writer writer, Consumer<End> end) {
    later(
        () -> end.accept(attempt(action, writer)),
        failure -> end.accept(record.isOwner() ? new End.Failed(failure) : STANDBY));
  }

  private End attempt(Action action, Writer writer) throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      String before = record.read();
      PersistentReservations state = SharedText.parse(before, record);
      ReservationType type = state.type();
      End end;
      try {
        end = new End.Done(action.apply(state), state.takeOwed());
      } catch (Conflict e) {
        return new End.Conflicting();
      } catch (CheckCondition e) {
        return new End.Refused(e);
      }
      String after = SharedText.render(state, record);
      Writer needed = state.type() == type ? writer : Writer.OWNER;
      if (needed == Writer.OWNER && !record.isOwner()) {
        return STANDBY;
      }
      if (before.equals(after) || record.exchange(before, after, needed)) {
        known.accept(state);
        return end;
      }
    }
    throw new IOException("other servers change the persistent reservations all the time");
  }
}
