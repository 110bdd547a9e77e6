// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where persistent reservations with APTPL = 1 survive a loss of power (SPC-4 5.12.5). A unit is
 * named by its serial number.
 */
public interface ReservationStore {
  /** Keeps nothing. APTPL is then refused. */
  ReservationStore NONE =
      new ReservationStore() {
        @Override
        public boolean keeps() {
          return false;
        }

        @Override
        public @Nullable String load(String unit) {
          return null;
        }

        @Override
        public void save(
            String unit, @Nullable String state, Consumer<@Nullable IOException> done) {
          done.accept(null);
        }
      };

  /** Whether what is saved is there after a restart. */
  boolean keeps();

  /**
   * What was saved last, or null if there is nothing. Called once, when the unit is made; may
   * block.
   */
  @Nullable String load(String unit) throws IOException;

  /**
   * Saves {@code state} durably, or forgets the unit if that is null. Does not block. Saves take
   * effect in the order of the calls.
   *
   * @param done told once, on any thread: null, or why it failed
   */
  void save(String unit, @Nullable String state, Consumer<@Nullable IOException> done);
}
