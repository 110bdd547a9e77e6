// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * The writes that have entries in the ring: which of them a range overlaps, and which is the
 * oldest. Guarded by the cache's lock.
 */
final class Order {
  /** Where a write begins; writes with one begin differ by their numbers. */
  private record Place(long sector, long number) implements Comparable<Place> {
    private static final Comparator<Place> ORDER =
        Comparator.comparingLong(Place::sector).thenComparingLong(Place::number);

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }
  }

  private final long mostSectors;
  private final TreeMap<Place, CachedWrite> places = new TreeMap<>();

  /** By their numbers; those that have ended leave from the front. */
  private final ArrayDeque<CachedWrite> ages = new ArrayDeque<>();

  private long numbers;

  /** {@code mostSectors}: of one write. */
  Order(long mostSectors) {
    this.mostSectors = mostSectors;
  }

  long nextNumber() {
    return ++numbers;
  }

  int size() {
    return places.size();
  }

  void add(CachedWrite write) {
    places.put(new Place(write.sector, write.number), write);
    ages.add(write);
  }

  void remove(CachedWrite write) {
    places.remove(new Place(write.sector, write.number));
    for (CachedWrite first; (first = ages.peek()) != null && first.ended; ) {
      ages.remove();
    }
  }

  /** The number of the oldest; {@code Long.MAX_VALUE} if there is none. */
  long oldest() {
    CachedWrite first = ages.peek();
    return first == null ? Long.MAX_VALUE : first.number;
  }

  /** The writes that overlap a range. */
  List<CachedWrite> overlapping(long sector, long end) {
    List<CachedWrite> found = new ArrayList<>(0);
    Place from = new Place(sector - mostSectors, 0);
    for (CachedWrite write : places.subMap(from, new Place(end, 0)).values()) {
      if (write.end > sector) {
        found.add(write);
      }
    }
    return found;
  }

  /** Lets {@code pending} wait for these. */
  static void block(Pending pending, List<CachedWrite> by) {
    pending.blockers = by.size();
    by.forEach(write -> write.followers.add(pending));
  }
}
