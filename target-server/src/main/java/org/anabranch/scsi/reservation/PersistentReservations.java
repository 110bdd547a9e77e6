// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongPredicate;
import org.anabranch.scsi.api.Registrant;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.jspecify.annotations.Nullable;

/**
 * The registrations and the persistent reservation of one logical unit (SPC-4 5.12). What each
 * service action does, and to whom a unit attention is owed:
 *
 * <pre>
 *   action             needs          effect                              attention
 *   register           own key or 0   key added, changed, removed         (as release, if it held)
 *   reserve            own key        becomes holder                      -
 *   release            own key, held  no reservation                      2A/04 registrants (RO, AR)
 *   clear              own key        nothing left                        2A/03 registrants
 *   preempt            own key        removes a key, takes its place      2A/05 removed ones
 *                                                                         2A/04 others (type changed)
 *   move               own key, held  another nexus becomes holder        -
 * </pre>
 *
 * REPLACE LOST RESERVATION is left out: a reservation that is kept is not lost (RLR_C = 0).
 *
 * <p>Not thread-safe: {@link Reservations} guards it with its lock. It is the plain state and its
 * rules, and knows neither CDBs nor sessions.
 */
final class PersistentReservations {
  /** The most registrations; one more is refused (55/04). */
  static final int MAX = 1024;

  /** The rules say RESERVATION CONFLICT. */
  static final class Conflict extends Exception {
    Conflict() {
      super("reservation conflict", null, false, false);
    }
  }

  /** A reservation type that somebody named. */
  @FunctionalInterface
  interface NamedType {
    /**
     * Reads it.
     *
     * @throws CheckCondition if there is no such type
     */
    ReservationType get() throws CheckCondition;
  }

  /** A unit attention that is owed to a registrant. */
  record Owed(Registrant to, SenseCode code) {}

  private final Map<Registrant, Long> keys = new LinkedHashMap<>();
  private @Nullable Registrant holder;
  private @Nullable ReservationType type;
  private int generation;
  private boolean survivesPowerLoss;
  private final List<Owed> owed = new ArrayList<>();

  Map<Registrant, Long> keys() {
    return keys;
  }

  @Nullable ReservationType type() {
    return type;
  }

  int generation() {
    return generation;
  }

  boolean survivesPowerLoss() {
    return survivesPowerLoss;
  }

  void survivePowerLoss(boolean survive) {
    survivesPowerLoss = survive;
  }

  /** The one that holds a reservation; null if there is none or all registrants hold it. */
  @Nullable Registrant holder() {
    return holder;
  }

  /** The key that READ RESERVATION shows: the holder's, 0 if all registrants hold it. */
  long holderKey() {
    return holder == null ? 0 : keys.getOrDefault(holder, 0L);
  }

  boolean isHolder(Registrant registrant) {
    return type != null
        && (type.heldByAll ? keys.containsKey(registrant) : registrant.equals(holder));
  }

  /** Takes the attentions that the last action has made. */
  List<Owed> takeOwed() {
    List<Owed> taken = List.copyOf(owed);
    owed.clear();
    return taken;
  }

  /** As it was saved. */
  void restore(
      Map<Registrant, Long> savedKeys,
      @Nullable Registrant savedHolder,
      @Nullable ReservationType savedType,
      int savedGeneration) {
    keys.putAll(savedKeys);
    holder = savedHolder;
    type = savedType;
    generation = savedGeneration;
    survivesPowerLoss = true;
  }

  /** Whether one of another nexus stops a command of this one. */
  boolean conflicts(Registrant registrant, Access access) {
    if (type == null || access.compareTo(Access.READ) < 0) {
      return false;
    }
    if (isHolder(registrant) || (type.forRegistrants && keys.containsKey(registrant))) {
      return false;
    }
    return access == Access.WRITE || type.isExclusiveAccess();
  }

  private void checkKey(Registrant registrant, long key) throws Conflict {
    Long own = keys.get(registrant);
    if (own == null || own != key) {
      throw new Conflict();
    }
  }

  /** Gives the registrants a key, or takes it away if it is 0. */
  void register(List<Registrant> registrants, long key) throws CheckCondition {
    long added = registrants.stream().filter(each -> !keys.containsKey(each)).count();
    if (key != 0 && keys.size() + added > MAX) {
      throw new CheckCondition(SenseCode.INSUFFICIENT_REGISTRATION_RESOURCES);
    }
    for (Registrant registrant : registrants) {
      if (key != 0) {
        keys.put(registrant, key);
      } else {
        unregister(registrant);
      }
    }
    generation++;
  }

  private void unregister(Registrant registrant) {
    boolean held = registrant.equals(holder);
    if (keys.remove(registrant) == null || type == null) {
      return;
    }
    if (held || keys.isEmpty()) {
      dropReservation(registrant);
    }
  }

  private void dropReservation(Registrant by) {
    if (type != null && type.forRegistrants) {
      oweToRegistrants(by, SenseCode.RESERVATIONS_RELEASED);
    }
    type = null;
    holder = null;
  }

  private void oweToRegistrants(Registrant except, SenseCode code) {
    for (Registrant registrant : keys.keySet()) {
      if (!registrant.equals(except)) {
        owed.add(new Owed(registrant, code));
      }
    }
  }

  void reserve(Registrant registrant, long key, ReservationType wanted) throws Conflict {
    checkKey(registrant, key);
    if (type != null && (!isHolder(registrant) || type != wanted)) {
      throw new Conflict();
    }
    type = wanted;
    holder = wanted.heldByAll ? null : registrant;
  }

  void release(Registrant registrant, long key, ReservationType named)
      throws Conflict, CheckCondition {
    checkKey(registrant, key);
    if (!isHolder(registrant)) {
      return;
    }
    if (type != named) {
      throw new CheckCondition(SenseCode.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
    }
    dropReservation(registrant);
  }

  void clear(Registrant registrant, long key) throws Conflict {
    checkKey(registrant, key);
    oweToRegistrants(registrant, SenseCode.RESERVATIONS_PREEMPTED);
    keys.clear();
    type = null;
    holder = null;
    generation++;
  }

  /**
   * Returns the registrants that lost their registration.
   *
   * @param named the type of the reservation that takes the place of the victim's; asked for only
   *     if that had one
   */
  List<Registrant> preempt(Registrant registrant, long key, long victim, NamedType named)
      throws Conflict, CheckCondition {
    checkKey(registrant, key);
    List<Registrant> removed;
    if (type != null && (type.heldByAll ? victim == 0 : victim == holderKey())) {
      ReservationType wanted = named.get();
      ReservationType before = type;
      boolean everybody = type.heldByAll;
      removed = remove(other -> everybody || other == victim, registrant);
      type = wanted;
      holder = wanted.heldByAll ? null : registrant;
      if (before != wanted) {
        oweToRegistrants(registrant, SenseCode.RESERVATIONS_RELEASED);
      }
    } else if (victim == 0) {
      throw CheckCondition.inParameters(8);
    } else if (!keys.containsValue(victim)) {
      throw new Conflict();
    } else {
      removed = remove(other -> other == victim, null);
      if (keys.isEmpty()) {
        type = null;
        holder = null;
      }
    }
    for (Registrant each : removed) {
      if (!each.equals(registrant)) {
        owed.add(new Owed(each, SenseCode.REGISTRATIONS_PREEMPTED));
      }
    }
    generation++;
    return removed;
  }

  /** Removes those whose key {@code which} chooses. */
  private List<Registrant> remove(LongPredicate which, @Nullable Registrant spared) {
    List<Registrant> removed =
        keys.entrySet().stream()
            .filter(each -> !each.getKey().equals(spared) && which.test(each.getValue()))
            .map(Map.Entry::getKey)
            .toList();
    removed.forEach(keys::remove);
    return removed;
  }

  void move(Registrant from, long key, Registrant to, long newKey, boolean unregister)
      throws Conflict, CheckCondition {
    checkKey(from, key);
    if (type == null) {
      throw CheckCondition.inCdb(1, 4); // There is nothing to move.
    }
    if (type.heldByAll || !from.equals(holder)) {
      throw new Conflict();
    }
    if (newKey == 0) {
      throw CheckCondition.inParameters(8);
    }
    if (to.equals(from)) {
      throw CheckCondition.inParameters(24);
    }
    if (!keys.containsKey(to) && keys.size() == MAX) {
      throw new CheckCondition(SenseCode.INSUFFICIENT_REGISTRATION_RESOURCES);
    }
    keys.put(to, newKey);
    holder = to;
    if (unregister) {
      keys.remove(from);
    }
    generation++;
  }
}
