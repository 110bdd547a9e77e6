// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * A number of places, shared by address. A newcomer always gets one. When there are too many, the
 * address that has the most gives one back: the one of the least {@link Standing}, and among these
 * the one whose standing is the oldest. Where addresses have equally many, their last ones are
 * compared in the same way. So whoever takes many places competes with itself, and others keep
 * theirs.
 *
 * <p>Not thread-safe: the owner's lock guards it. An entry costs the same however many there are;
 * one too many costs a look at each address.
 *
 * @param <T> who has a place
 */
public final class SharedPlaces<T> {
  /** How much somebody needs its place; the least first. */
  public enum Standing {
    /** It has been refused, and the connection is about to close. */
    ENDING,
    /** It has not sent anything that makes sense. */
    SILENT,
    /** It has. */
    ACTIVE
  }

  /** Those of one address, by their standing; who got it first comes first. */
  private final class Group {
    final AddressBlock address;
    final Map<Standing, SequencedSet<T>> members = new EnumMap<>(Standing.class);
    int size;

    Group(AddressBlock address) {
      this.address = address;
    }

    void add(T who, Standing standing) {
      members.computeIfAbsent(standing, key -> new LinkedHashSet<>()).add(who);
      size++;
    }

    void remove(T who, Standing standing) {
      SequencedSet<T> those = members.get(standing);
      if (those == null || !those.remove(who)) {
        throw new IllegalStateException("a place without its holder");
      }
      size--;
    }

    /** Who loses its place first; null if there is only {@code newcomer}. */
    @Nullable T least(@Nullable T newcomer) {
      for (SequencedSet<T> those : members.values()) {
        for (T who : those) {
          if (!who.equals(newcomer)) {
            return who;
          }
        }
      }
      return null;
    }
  }

  private final class Place {
    final Group group;
    Standing standing = Standing.SILENT;
    long since;

    Place(Group group, long since) {
      this.group = group;
      this.since = since;
    }
  }

  private final Map<AddressBlock, Group> groups = new HashMap<>();
  private final Map<T, Place> places = new HashMap<>();

  /** Counts changes of standing, to compare their ages. */
  private long changes;

  /** Who has a place. */
  public List<T> all() {
    return List.copyOf(places.keySet());
  }

  /** How many have a place. */
  public int size() {
    return places.size();
  }

  /**
   * Gives a newcomer a place, with the standing SILENT.
   *
   * @param most how many places there are, at least 1
   * @return who has lost its place for that; null if there was a free one
   */
  public @Nullable T enter(T who, AddressBlock from, int most) {
    Group group = groups.computeIfAbsent(from, Group::new);
    group.add(who, Standing.SILENT);
    if (places.put(who, new Place(group, ++changes)) != null) {
      throw new IllegalStateException("two places for one");
    }
    return places.size() > most ? dispossess(who) : null;
  }

  private T dispossess(T newcomer) {
    T least = least(newcomer);
    T loses = least == null ? newcomer : least;
    leave(loses);
    return loses;
  }

  /** Who loses its place first; null if nobody but {@code newcomer} has one. */
  private @Nullable T least(@Nullable T newcomer) {
    T least = null;
    int most = 0;
    for (Group group : groups.values()) {
      if (group.size >= most) {
        T candidate = group.least(newcomer);
        if (candidate != null && (group.size > most || isLess(candidate, least))) {
          least = candidate;
          most = group.size;
        }
      }
    }
    return least;
  }

  /** Whether one loses its place before another, where their addresses have equally many. */
  private boolean isLess(T one, @Nullable T other) {
    Place first = places.get(one);
    Place second = other == null ? null : places.get(other);
    if (first == null || second == null) {
      return true;
    }
    int order = first.standing.compareTo(second.standing);
    return order != 0 ? order < 0 : first.since < second.since;
  }

  /** Changes somebody's standing, or renews it. Nothing happens if it has no place any more. */
  public void standing(T who, Standing standing) {
    Place place = places.get(who);
    if (place != null) {
      place.group.remove(who, place.standing);
      place.standing = standing;
      place.since = ++changes;
      place.group.add(who, standing);
    }
  }

  /** Somebody gives its place back, if it has one. */
  public void leave(T who) {
    Place place = places.remove(who);
    if (place != null) {
      place.group.remove(who, place.standing);
      if (place.group.size == 0) {
        groups.remove(place.group.address);
      }
    }
  }
}
