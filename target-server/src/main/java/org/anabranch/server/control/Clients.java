// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of a {@link ControlServer}. At most {@value #MAX_IDLE} are idle, which means that
 * the server waits for the client: for its request, or until it has taken its answer. When there
 * are that many, one more waits to be accepted until one of them has gone on, or has been idle for
 * so long that it is closed in its favour. Any thread.
 */
final class Clients {
  static final int MAX_IDLE = 64;
  private static final Logger LOG = LoggerFactory.getLogger(Clients.class);

  private final long patienceNanos;

  /** Guarded by this, as all below. */
  private final Set<SocketChannel> all = new LinkedHashSet<>();

  /** Since when each is idle, the oldest first. */
  private final Map<SocketChannel, Long> idle = new LinkedHashMap<>();

  /** Those whose request has not come. */
  private final Set<SocketChannel> silent = new LinkedHashSet<>();

  private boolean stopping;

  /**
   * @param patienceMillis with an idle connection while others wait
   */
  Clients(long patienceMillis) {
    this.patienceNanos = TimeUnit.MILLISECONDS.toNanos(patienceMillis);
  }

  /** Waits until there is room for one more; false when the server stops. */
  synchronized boolean awaitRoom() throws InterruptedException {
    while (!stopping && idle.size() >= MAX_IDLE) {
      Map.Entry<SocketChannel, Long> oldest = idle.entrySet().iterator().next();
      long left = patienceNanos - (System.nanoTime() - oldest.getValue());
      if (left > 0) {
        wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
      } else {
        idle.remove(oldest.getKey());
        close(oldest.getKey());
      }
    }
    return !stopping;
  }

  /** A connection that was accepted. */
  synchronized void add(SocketChannel client) {
    all.add(client);
    silent.add(client);
    idle.put(client, System.nanoTime());
    if (stopping) {
      close(client);
    }
  }

  /** Its request has come; false when it was closed in favour of others. */
  synchronized boolean asked(SocketChannel client) {
    silent.remove(client);
    boolean served = idle.remove(client) != null;
    notifyAll();
    return served;
  }

  /** It is about to get its answer. */
  synchronized void answering(SocketChannel client) {
    idle.put(client, System.nanoTime());
  }

  /** It is gone. */
  synchronized void remove(SocketChannel client) {
    all.remove(client);
    silent.remove(client);
    idle.remove(client);
    notifyAll();
  }

  /** Nobody is accepted any more, and those who have not asked are closed. */
  synchronized void stop() {
    stopping = true;
    silent.forEach(Clients::close);
    notifyAll();
  }

  /** Waits until all are gone, and closes those that are not by then. */
  void end(long millis) {
    List<SocketChannel> left;
    synchronized (this) {
      long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
      try {
        while (!all.isEmpty() && deadline - System.nanoTime() > 0) {
          wait(TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()) + 1);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      left = new ArrayList<>(all);
    }
    left.forEach(Clients::close);
  }

  static void close(SocketChannel client) {
    try {
      client.close();
    } catch (IOException e) {
      LOG.error("control: close failed", e);
    }
  }
}
