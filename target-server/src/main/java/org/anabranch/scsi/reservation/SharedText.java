// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.scsi.api.Registrant;
import org.jspecify.annotations.Nullable;

/**
 * The persistent reservations of a unit as the text of a {@link SharedRecord}. The empty text
 * stands for none, with generation 0.
 *
 * <pre>
 *   anabranch shared reservations 1
 *   GENERATION TYPE TARGET-PORT INITIATOR-PORT   none - if there is none; TYPE - if all hold it
 *   KEY TARGET-PORT INITIATOR-PORT               hexadecimal; one line for each registration
 * </pre>
 */
final class SharedText {
  private static final String TITLE = "anabranch shared reservations ";
  private static final String VERSION = "1";
  private static final String NOBODY = "-";
  private static final String NO_TYPE = "none";

  private SharedText() {}

  /**
   * Reads a text.
   *
   * @throws IOException when it is damaged, or of a newer version; the message says what to do
   */
  static PersistentReservations parse(String text, SharedRecord record) throws IOException {
    PersistentReservations state = new PersistentReservations();
    if (text.isEmpty()) {
      state.survivePowerLoss(true);
      return state;
    }
    List<String> lines = text.lines().toList();
    if (lines.getFirst().matches(TITLE + "[0-9]+") && !lines.getFirst().equals(TITLE + VERSION)) {
      throw unreadable(
          "a newer version wrote them (" + lines.getFirst() + "): upgrade this server", record);
    }
    if (lines.size() < 2 || !lines.getFirst().equals(TITLE + VERSION)) {
      throw unreadable("they do not begin with \"" + TITLE + VERSION + "\"", record);
    }
    int at = 1;
    try {
      String[] first = lines.get(at).split(" ", 3);
      int generation = Integer.parseUnsignedInt(first[0]);
      ReservationType type = first[1].equals(NO_TYPE) ? null : ReservationType.valueOf(first[1]);
      Registrant holder = first[2].equals(NOBODY) ? null : registrant(first[2], record);
      Map<Registrant, Long> keys = new LinkedHashMap<>();
      for (at = 2; at < lines.size(); at++) {
        String[] fields = lines.get(at).split(" ", 2);
        keys.put(registrant(fields[1], record), Long.parseUnsignedLong(fields[0], 16));
      }
      refuseUnlessWhole(keys, holder, type);
      state.restore(keys, holder, type, generation);
      return state;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw unreadable("line " + (at + 1) + " is damaged", record);
    }
  }

  private static void refuseUnlessWhole(
      Map<Registrant, Long> keys, @Nullable Registrant holder, @Nullable ReservationType type) {
    boolean isHeldByOne = type != null && !type.heldByAll;
    if (keys.size() > PersistentReservations.MAX
        || keys.containsValue(0L)
        || (holder != null) != isHeldByOne
        || (holder != null && !keys.containsKey(holder))) {
      throw new IllegalArgumentException("registrations and reservation do not fit");
    }
  }

  private static IOException unreadable(String reason, SharedRecord record) {
    return new IOException(
        "the persistent reservations that servers share cannot be read: "
            + reason
            + "; "
            + record.remedy());
  }

  private static Registrant registrant(String line, SharedRecord record) throws IOException {
    String[] fields = line.split(" ", 2);
    return new Registrant(fields[1], record.number(fields[0]));
  }

  /** The text of a state. */
  static String render(PersistentReservations state, SharedRecord record) throws IOException {
    ReservationType type = state.type();
    StringBuilder text = new StringBuilder(TITLE + VERSION + "\n");
    text.append(Integer.toUnsignedString(state.generation())).append(' ');
    text.append(type == null ? NO_TYPE : type.name()).append(' ');
    text.append(line(state.holder(), record)).append('\n');
    for (Map.Entry<Registrant, Long> each : state.keys().entrySet()) {
      text.append(Long.toHexString(each.getValue())).append(' ');
      text.append(line(each.getKey(), record)).append('\n');
    }
    return text.toString();
  }

  private static String line(@Nullable Registrant registrant, SharedRecord record)
      throws IOException {
    return registrant == null
        ? NOBODY
        : record.port(registrant.targetPort()) + " " + registrant.initiatorPort();
  }
}
