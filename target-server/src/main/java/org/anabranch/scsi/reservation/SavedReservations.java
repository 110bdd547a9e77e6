// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.anabranch.scsi.api.Registrant;
import org.jspecify.annotations.Nullable;

/**
 * Persistent reservations of one logical unit as text, for a {@link ReservationStore}: a title, a
 * line for the reservation, one for each registration.
 *
 * <pre>
 *   anabranch reservations 2
 *   TYPE HOLDER                  none - if there is none; TYPE - if all registrants hold it
 *   KEY REGISTRANT               hexadecimal
 * </pre>
 *
 * A registrant is a relative target port identifier and the name of an initiator port. In version
 * 1, which had the registrations of one target only, each target's port was number 1.
 *
 * @param keys by registrant, in the order in which they registered
 * @param holder null if nobody holds a reservation, or all registrants do
 * @param type null if there is no reservation
 */
public record SavedReservations(
    Map<Registrant, Long> keys, @Nullable Registrant holder, @Nullable ReservationType type) {
  private static final String TITLE = "anabranch reservations ";
  private static final String NOBODY = "-";
  private static final String NO_TYPE = "none";

  /** Nobody is registered. */
  public static final SavedReservations NONE = new SavedReservations(Map.of(), null, null);

  /** Whether a text is of version 1, and so belongs to one target. */
  public static boolean isOfOneTarget(String text) {
    return text.startsWith(TITLE + "1\n");
  }

  /**
   * Reads either version.
   *
   * @throws IllegalArgumentException if it is damaged
   */
  public static SavedReservations parse(String text) {
    List<String> lines = text.lines().toList();
    if (lines.size() < 2 || !lines.get(0).matches(TITLE + "[12]")) {
      throw new IllegalArgumentException("not a file of reservations");
    }
    try {
      String[] first = lines.get(1).split(" ", 2);
      ReservationType type = first[0].equals(NO_TYPE) ? null : ReservationType.valueOf(first[0]);
      Map<Registrant, Long> keys = new LinkedHashMap<>();
      for (String line : lines.subList(2, lines.size())) {
        String[] fields = line.split(" ", 2);
        keys.put(registrant(fields[1]), Long.parseUnsignedLong(fields[0], 16));
      }
      Registrant holder = first[1].equals(NOBODY) ? null : registrant(first[1]);
      return new SavedReservations(keys, holder, type);
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("a line of the reservations is cut", e);
    }
  }

  private static Registrant registrant(String line) {
    String[] fields = line.split(" ", 2);
    return new Registrant(fields[1], Integer.parseInt(fields[0]));
  }

  private static String line(@Nullable Registrant registrant) {
    return registrant == null ? NOBODY : registrant.targetPort() + " " + registrant.initiatorPort();
  }

  /** The text, of version 2. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(TITLE + "2\n");
    text.append(type == null ? NO_TYPE : type.name()).append(' ');
    text.append(line(holder)).append('\n');
    keys.forEach((registrant, key) ->
        text.append(Long.toHexString(key)).append(' ').append(line(registrant)).append('\n'));
    return text.toString();
  }

  /**
   * Merges the reservations that each target saved for itself. Registrations by port 1 become
   * registrations by that target's port, and all of them are kept. Of several reservations only the
   * first one is kept: it may exclude more initiators than before, but never fewer.
   *
   * @param byPort texts of version 1, by the relative port identifier of their target
   */
  public SavedReservations with(SortedMap<Integer, String> byPort) {
    Map<Registrant, Long> all = new LinkedHashMap<>(keys);
    SavedReservations kept = this;
    for (Map.Entry<Integer, String> target : byPort.entrySet()) {
      SavedReservations old = parse(target.getValue());
      int port = target.getKey();
      old.keys.forEach((registrant, key) ->
          all.putIfAbsent(new Registrant(registrant.initiatorPort(), port), key));
      if (kept.type == null && old.type != null) {
        Registrant holder =
            old.holder == null ? null : new Registrant(old.holder.initiatorPort(), port);
        kept = new SavedReservations(Map.of(), holder, old.type);
      }
    }
    return new SavedReservations(all, kept.holder, kept.type);
  }
}
