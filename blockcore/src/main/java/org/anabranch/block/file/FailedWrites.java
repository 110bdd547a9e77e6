// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The places of a file where a write has failed and none has succeeded since. Any thread.
 *
 * <p>What a failed write was to change may be old, new or mixed until somebody writes it again. So
 * a place is remembered until it has been written whole, or until {@link #forget}: a write that
 * succeeds elsewhere says nothing about it.
 */
final class FailedWrites {
  /** Places that are told apart; further ones are only counted. */
  private static final int MAX_PLACES = 1024;

  /** Sectors that failed: the end of each range by its beginning; they do not overlap. */
  @GuardedBy("this")
  private final TreeMap<Long, Long> places = new TreeMap<>();

  @GuardedBy("this")
  private long count;

  @GuardedBy("this")
  private boolean more;

  @GuardedBy("this")
  private Instant since = Instant.EPOCH;

  @GuardedBy("this")
  private String last = "";

  /** Whether there are any, so that writes need no lock as long as there are none. */
  private volatile boolean any;

  /**
   * A write has failed.
   *
   * @param sector its first sector of 512 bytes
   * @param sectors how many, at least one
   * @param now when
   * @param reason of the system, without the file's name
   */
  synchronized void failed(long sector, long sectors, Instant now, String reason) {
    if (!any) {
      since = now;
    }
    count++;
    last = reason;
    long begin = sector;
    long end = sector + sectors;
    Map.Entry<Long, Long> before = places.floorEntry(begin);
    if (before != null && before.getValue() >= begin) {
      begin = before.getKey();
    }
    for (Map.Entry<Long, Long> each = places.ceilingEntry(begin);
        each != null && each.getKey() <= end;
        each = places.ceilingEntry(begin)) {
      end = Math.max(end, each.getValue());
      places.remove(each.getKey());
    }
    if (places.size() < MAX_PLACES) {
      places.put(begin, end);
    } else {
      more = true;
    }
    any = true;
  }

  /** A write has succeeded. */
  void written(long sector, long sectors) {
    if (any) {
      cover(sector, sector + sectors);
    }
  }

  private synchronized void cover(long begin, long end) {
    Map.Entry<Long, Long> place = places.lowerEntry(end);
    while (place != null && place.getValue() > begin) {
      places.remove(place.getKey());
      if (place.getValue() > end) {
        places.put(end, place.getValue());
      }
      if (place.getKey() < begin) {
        places.put(place.getKey(), begin);
      }
      place = places.lowerEntry(Math.min(end, place.getKey()));
    }
    if (places.isEmpty() && !more) {
      var _ = forget();
    }
  }

  /** Somebody has looked after it; whether there was anything. */
  synchronized boolean forget() {
    boolean had = any;
    places.clear();
    more = false;
    count = 0;
    any = false;
    return had;
  }

  /** One line; null when there are none. */
  @Nullable String words() {
    if (!any) {
      return null;
    }
    synchronized (this) {
      if (!any) {
        return null;
      }
      return count
          + (count == 1 ? " write has failed since " : " writes have failed since ")
          + since.toString()
          + ", the last one with: "
          + last;
    }
  }
}
