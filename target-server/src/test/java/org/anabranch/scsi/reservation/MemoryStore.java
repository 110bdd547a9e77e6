// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Keeps reservations over restarts of a lab; may fail. */
final class MemoryStore implements ReservationStore {
  final Map<String, String> states = new HashMap<>();
  boolean fails;

  @Override
  public boolean keeps() {
    return true;
  }

  @Override
  public @Nullable String load(String unit) {
    return states.get(unit);
  }

  @Override
  public void save(String unit, @Nullable String state, Consumer<@Nullable IOException> done) {
    if (fails) {
      done.accept(new IOException("disk full"));
    } else {
      states.compute(unit, (name, before) -> state);
      done.accept(null);
    }
  }
}
