// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Asks the owner of an image's lock whether it is alive.
 *
 * <p>Each client that has an image open watches its header, and librbd acknowledges each
 * notification by a thread of its own: also while the JVM collects garbage, and not while the
 * process is stopped or its machine is gone. So a standby notifies all watchers, and the OSD, which
 * has the clock, reports who has acknowledged within a second.
 *
 * <p>The notification has an operation that librbd does not know. It acknowledges it and does
 * nothing else. Every method may wait for the cluster, for ever: see {@link Patience}.
 */
final class OwnerProbe {
  /** How an owner has answered. */
  enum Answer {
    /** It has acknowledged. */
    ALIVE,
    /** It has not acknowledged within a second, and this client has. */
    SILENT,
    /** It watches the image no more: Ceph breaks its lock for whoever asks for it. */
    GONE,
    /** The cluster was too slow to say. */
    UNKNOWN
  }

  /** How long the OSD waits for acknowledgements. It counts in whole seconds. */
  private static final long WAIT_MILLIS = 1000;

  /** A question that took this much longer was delayed by the cluster, and says nothing. */
  private static final long SLACK_NANOS = TimeUnit.MILLISECONDS.toNanos(750);

  /**
   * A notification of librbd: version 6, compatible with 1, a length of 4, and an operation of no
   * version.
   */
  private static final byte[] NOTIFICATION = {6, 1, 4, 0, 0, 0, 'a', 'n', 'b', 0x7f};

  private static final int MOST_WATCHERS = 64;
  private static final int WATCHER_BYTES = 24; // the address of a text, an id, a cookie

  private final RbdCluster cluster;
  private final long image;
  private final String id;

  /**
   * For an open image.
   *
   * @param id of the image, as {@link RbdClient#id}
   */
  OwnerProbe(RbdCluster cluster, long image, String id) {
    this.cluster = cluster;
    this.image = image;
    this.id = id;
  }

  /**
   * Asks once; takes some milliseconds when everybody answers, and a second when somebody does not.
   *
   * @param owner the address of the lock's owner
   */
  Answer ask(String owner) throws IOException {
    long client = watcher(owner);
    if (client < 0) {
      return Answer.GONE;
    }
    long begin = System.nanoTime();
    Set<Long> heard = cluster.acknowledged("rbd_header." + id, NOTIFICATION, WAIT_MILLIS);
    long taken = System.nanoTime() - begin;
    if (heard.contains(client)) {
      return Answer.ALIVE;
    }
    boolean isTimely = taken < TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS) + SLACK_NANOS;
    return isTimely && heard.contains(cluster.clientId()) ? Answer.SILENT : Answer.UNKNOWN;
  }

  /** Asks up to so many times, as long as the owner is silent; the last answer. */
  Answer ask(String owner, int times) throws IOException {
    Answer answer = ask(owner);
    for (int i = 1; i < times && answer == Answer.SILENT; i++) {
      answer = ask(owner);
    }
    return answer;
  }

  /** The id of the client with this address among those who watch the image; negative: none. */
  private long watcher(String owner) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment watchers = arena.allocate((long) MOST_WATCHERS * WATCHER_BYTES, 8);
      MemorySegment count = arena.allocateFrom(ValueLayout.JAVA_LONG, MOST_WATCHERS);
      RbdCluster.check("the image's watchers", Librbd.watchersList(image, watchers, count));
      long found = -1;
      long all = count.get(ValueLayout.JAVA_LONG, 0);
      for (long i = 0; i < all; i++) {
        String address = Libc.text(watchers.get(ValueLayout.JAVA_LONG, i * WATCHER_BYTES));
        if (address.equals(owner)) {
          found = watchers.get(ValueLayout.JAVA_LONG, i * WATCHER_BYTES + Long.BYTES);
        }
      }
      Librbd.watchersCleanup(watchers, all);
      return found;
    }
  }

  /**
   * The ids of the clients who have acknowledged, of the OSD's answer: how many there are (4
   * bytes), and for each its id, a cookie (8 bytes each) and a payload behind its length (4 bytes);
   * then those who have not.
   */
  static Set<Long> acknowledged(ByteBuffer answer) {
    ByteBuffer reply = answer.order(ByteOrder.LITTLE_ENDIAN);
    Set<Long> ids = new HashSet<>();
    int count = reply.remaining() < Integer.BYTES ? 0 : reply.getInt();
    for (int i = 0; i < count; i++) {
      ids.add(reply.getLong());
      int payload = reply.position() + Long.BYTES;
      reply.position(payload + Integer.BYTES + reply.getInt(payload));
    }
    return ids;
  }
}
