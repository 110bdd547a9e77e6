// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps an export connected. One thread sends what is in the queue, and connects again when a
 * connection was lost; each connection has a thread that receives and completes requests.
 *
 * <p>After a loss the changes that were not flushed are made again, and then the requests that were
 * not answered are sent again. The receiving thread of the lost connection has ended by then, so
 * nobody else writes into their buffers.
 */
final class NbdLink {
  private static final Logger LOG = LoggerFactory.getLogger(NbdLink.class);

  private static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(2);

  private final String name;
  private final NbdExport export;
  private final NbdOptions options;
  private final NbdQueue queue;
  private final Scheduler scheduler;
  private final Counters<NbdCounter> counters;

  /** A timer looks for silence. */
  @GuardedBy("this")
  private boolean watching;

  @GuardedBy("this")
  private @Nullable NbdConnection current;

  NbdLink(
      String name,
      NbdExport export,
      NbdOptions options,
      NbdQueue queue,
      Scheduler scheduler,
      Counters<NbdCounter> counters) {
    this.name = name;
    this.export = export;
    this.options = options;
    this.queue = queue;
    this.scheduler = scheduler;
    this.counters = counters;
  }

  /**
   * Starts the sending thread.
   *
   * @param end what it does last, when the connection is closed
   * @throws IOException if no thread can be started; the connection is closed then
   */
  void start(NbdConnection first, Runnable end) throws IOException {
    try {
      Thread.ofPlatform().name("nbd " + name).daemon().start(() -> run(first, end));
    } catch (OutOfMemoryError e) { // what Java says when the system refuses a thread
      first.close();
      throw new IOException("no thread can be started: " + e.getMessage(), e);
    }
  }

  private void run(NbdConnection first, Runnable end) {
    NbdTerms terms = first.terms();
    for (NbdConnection connection = first; connection != null; connection = reconnect(terms)) {
      serve(connection);
    }
    end.run();
  }

  /** Sends until the connection is lost, or everything has ended. */
  private void serve(NbdConnection connection) {
    counters.increment(NbdCounter.CONNECTIONS);
    synchronized (this) {
      current = connection;
    }
    queue.begin();
    Thread receiver;
    try {
      receiver =
          Thread.ofPlatform()
              .name("nbd " + name + " replies")
              .daemon()
              .start(() -> receive(connection));
    } catch (OutOfMemoryError e) { // what Java says when the system refuses a thread
      lose("no thread can be started: " + e.getMessage());
      connection.close();
      return;
    }
    try {
      repeatUnflushed(connection);
      queue.ready();
      for (List<NbdRequest> batch = queue.next(); !batch.isEmpty(); batch = queue.next()) {
        connection.send(batch);
        watch();
      }
      connection.sendDisconnect();
    } catch (IOException e) {
      lose(reason(e));
    }
    connection.close();
    join(receiver);
    queue.recall();
  }

  private void repeatUnflushed(NbdConnection connection) throws IOException {
    for (List<UnflushedWrites.Kept> group : queue.unflushed()) {
      for (int i = 0; i < group.size(); i += NbdConnection.BATCH) {
        List<NbdRequest> batch = new ArrayList<>();
        for (var kept : group.subList(i, Math.min(group.size(), i + NbdConnection.BATCH))) {
          batch.add(new NbdRequest(kept.again((io, error) -> {}), true));
        }
        queue.repeat(batch);
        connection.send(batch);
        watch();
        counters.add(NbdCounter.REPEATED_WRITES, batch.size());
        queue.awaitAnswers();
      }
    }
  }

  private void receive(NbdConnection connection) {
    try {
      while (true) {
        NbdRequest ended = connection.receive(queue::find);
        if (ended != null) {
          queue.answered(ended);
        }
      }
    } catch (IOException e) {
      lose(reason(e));
      connection.close();
    }
  }

  /** The receiving thread sees the connection end, and completes nothing more after this. */
  private static void join(Thread receiver) {
    boolean joined = false;
    while (!joined) {
      try {
        receiver.join();
        joined = true;
      } catch (InterruptedException e) {
        LOG.debug("{} is interrupted, and waits on", Thread.currentThread().getName());
      }
    }
  }

  private void lose(String reason) {
    if (queue.lose(reason)) {
      long outage = options.outageNanos();
      scheduler.schedule(() -> queue.giveUp(outage), outage);
    }
  }

  private static String reason(IOException e) {
    String words = String.valueOf(e.getMessage());
    return e.getClass().getName().startsWith("java.nio.channels")
        ? "the connection to the NBD server was closed"
        : words;
  }

  /** Connects once more, as often as it takes; null when that is no longer wanted. */
  private @Nullable NbdConnection reconnect(NbdTerms terms) {
    long pause = 0;
    while (queue.pause(pause)) {
      pause = Math.min(Math.max(FIRST_PAUSE, 2 * pause), LONGEST_PAUSE);
      try {
        NbdConnection connection = NbdConnection.open(export, options, scheduler);
        String misfit = misfit(connection.terms(), terms);
        if (misfit == null) {
          return connection;
        }
        connection.close();
        queue.stillLost(misfit);
      } catch (IOException e) {
        queue.stillLost(reason(e));
      }
    }
    return null;
  }

  private @Nullable String misfit(NbdTerms now, NbdTerms before) {
    int needed = NbdTerms.SEND_FLUSH | NbdTerms.SEND_FUA | NbdTerms.SEND_TRIM;
    needed |= NbdTerms.SEND_WRITE_ZEROES;
    boolean lacks = (before.flags() & ~now.flags() & needed) != 0;
    if (now.sectors() < before.sectors()) {
      return "the export has shrunk from " + before.bytes() + " to " + now.bytes() + " bytes";
    } else if (!options.readOnly() && now.has(NbdTerms.READ_ONLY)) {
      return "the NBD server exports it for reading only now";
    } else if (lacks
        || now.minBlock() > before.minBlock()
        || now.maxPayload() < before.maxPayload()
        || (before.allocation() >= 0 && now.allocation() < 0)) {
      return "the NBD server can do less than before";
    }
    return null;
  }

  // --- silence ----------------------------------------------------------------------------------

  /** Sees to it that a TCP connection is given up when answers are due and nothing comes. */
  private void watch() {
    if (!(export.server() instanceof InetSocketAddress)) {
      return; // the kernel tells when the other process has died
    }
    synchronized (this) {
      if (watching) {
        return;
      }
      watching = true;
    }
    scheduler.schedule(this::look, options.silenceNanos());
  }

  private void look() {
    OptionalLong since = queue.silentSince();
    long left =
        since.isEmpty() ? 0 : since.getAsLong() + options.silenceNanos() - scheduler.nanoTime();
    if (left > 0) {
      scheduler.schedule(this::look, left);
      return;
    }
    NbdConnection connection;
    synchronized (this) {
      watching = false;
      connection = current;
    }
    if (since.isPresent() && connection != null) {
      lose("the NBD server answers nothing for " + options.silenceNanos() / 1_000_000_000 + " s");
      connection.close();
    }
  }
}
