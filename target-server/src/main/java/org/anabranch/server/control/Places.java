// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.anabranch.server.base.RefusedException;

/**
 * The places of requests, by user. Commands and requests that wait are refused when theirs are
 * taken; {@code status} ends in a moment, so it waits for one of its {@value #STATUS} places. Any
 * thread.
 */
final class Places {
  private static final int STATUS = 16;
  private static final long STATUS_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Supplier<ControlLimits> limits;

  /** By user. Guarded by this. */
  private final Map<String, EnumMap<Place, Integer>> taken = new HashMap<>();

  /**
   * @param limits asked each time, since a reload changes them
   */
  Places(Supplier<ControlLimits> limits) {
    this.limits = limits;
  }

  /**
   * Takes a place; {@link #leave} gives it back.
   *
   * @throws RefusedException when the user has all of them taken
   */
  synchronized void take(String user, Place place) throws RefusedException {
    long deadline = System.nanoTime() + STATUS_PATIENCE_NANOS;
    int most =
        switch (place) {
          case COMMAND -> limits.get().commands();
          case WAITING -> limits.get().waiting();
          case STATUS -> STATUS;
        };
    while (count(user, place) >= most) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (place != Place.STATUS || left <= 0) {
        throw new RefusedException(full(user, place, most));
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new RefusedException("interrupted", e);
      }
    }
    taken.computeIfAbsent(user, name -> new EnumMap<>(Place.class)).merge(place, 1, Integer::sum);
  }

  private static String full(String user, Place place, int most) {
    return switch (place) {
      case COMMAND ->
          most
              + " commands of "
              + user
              + " are at work already; try again later, or raise"
              + " limits.control-commands";
      case WAITING ->
          most
              + " commands of "
              + user
              + " wait or take long already; end one of them, or raise"
              + " limits.control-waiting";
      case STATUS -> most + " status commands are at work already; try again later";
    };
  }

  private int count(String user, Place place) { // with this held
    EnumMap<Place, Integer> places = taken.get(user);
    return places == null ? 0 : places.getOrDefault(place, 0);
  }

  synchronized void leave(String user, Place place) {
    EnumMap<Place, Integer> places = taken.get(user);
    if (places != null) {
      places.computeIfPresent(place, (each, count) -> count == 1 ? null : count - 1);
      if (places.isEmpty()) {
        taken.remove(user);
      }
    }
    notifyAll();
  }
}
