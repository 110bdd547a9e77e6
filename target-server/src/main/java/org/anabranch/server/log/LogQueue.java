// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lines that wait to be written. Who logs never waits: one thread writes, and standard error may be
 * a pipe that nobody reads, a terminal that is stopped or a full disk.
 *
 * <dl>
 *   <dt>What if the lines come faster than they are read?
 *   <dd>At most {@value #MAX_LINES} lines with {@value #MAX_CHARACTERS} characters wait. What is
 *       beyond is dropped and counted, and the count is written where those lines are missing.
 *   <dt>What if writing fails?
 *   <dd>The same: the lines count as dropped.
 *   <dt>What if the process ends?
 *   <dd>{@link #flush} waits until all is written, for a second at most.
 * </dl>
 *
 * <p>Logback's {@code AsyncAppender} drops too, but does not count. Any thread.
 */
final class LogQueue extends UnsynchronizedAppenderBase<ILoggingEvent> {
  static final int MAX_LINES = 4096;
  static final int MAX_CHARACTERS = 4 << 20;

  /** Lines that are written at once. */
  private static final int BATCH = 128;

  /**
   * An event, or a gap where events were dropped.
   *
   * @param event null for a gap
   * @param suffix is appended to the message
   * @param dropped how many are missing in a gap
   */
  private record Entry(@Nullable ILoggingEvent event, String suffix, long dropped) {
    int characters() {
      return event == null ? 0 : event.getFormattedMessage().length();
    }
  }

  private final OutputStream out;
  private final RepeatLimit limit;
  private final boolean stacks;
  private final Thread writer = Thread.ofPlatform().daemon().name("log").unstarted(this::write);

  /** Guarded by {@link #queue}, as all below. */
  private final Queue<Entry> queue = new ArrayDeque<>();

  private int characters;

  /** Events that were dropped since the last entry. */
  private long dropped;

  private LineFormat format;
  private boolean held;
  private boolean ending;
  private boolean writing;

  /** The last lines could not be written; the next attempt is at the next event. */
  private boolean failed;

  /**
   * A queue that writes once it is started.
   *
   * @param stacks whether stack traces are written
   * @param held whether nothing is written before {@link #format} or {@link #flush}
   */
  LogQueue(OutputStream out, RepeatLimit limit, LineFormat format, boolean stacks, boolean held) {
    this.out = out;
    this.limit = limit;
    this.format = format;
    this.stacks = stacks;
    this.held = held;
  }

  @Override
  public void start() {
    super.start();
    writer.start();
  }

  /** Writes in this format from here on. */
  void format(LineFormat changed) {
    synchronized (queue) {
      format = changed;
      held = false;
      queue.notifyAll();
    }
  }

  @Override
  protected void append(ILoggingEvent event) {
    if (limit.admits(event)) {
      event.prepareForDeferredProcessing(); // its arguments may change
      add(new Entry(event, "", 0));
    }
  }

  private void add(Entry entry) {
    synchronized (queue) {
      if (queue.size() >= MAX_LINES || characters + entry.characters() > MAX_CHARACTERS) {
        dropped++;
        return;
      }
      markGap();
      queue.add(entry);
      characters += entry.characters();
      queue.notifyAll();
    }
  }

  /** With the lock. */
  private void markGap() {
    if (dropped > 0) {
      queue.add(new Entry(null, "", dropped));
      dropped = 0;
    }
  }

  /**
   * Waits until all that was logged is written, also the counts of what was not.
   *
   * @return whether it was in time
   */
  boolean flush(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    synchronized (queue) {
      held = false;
      ending = true;
      queue.notifyAll();
      try {
        while (ending || writing || !queue.isEmpty()) {
          long left = deadline - System.nanoTime();
          if (left <= 0) {
            return false;
          }
          TimeUnit.NANOSECONDS.timedWait(queue, left);
        }
        return true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }

  private void write() {
    try {
      while (true) {
        write(next());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that
    }
  }

  /** Waits for entries, and takes some. */
  private List<Entry> next() throws InterruptedException {
    synchronized (queue) {
      writing = false;
      while (true) {
        if (!held) {
          limit
              .take(ending)
              .forEach(sum -> {
                markGap();
                queue.add(new Entry(sum.example(), sum.suffix(), 0));
                characters += sum.example().getFormattedMessage().length();
              });
          ending = false;
          if (queue.isEmpty() && !failed) {
            markGap();
          }
          if (!queue.isEmpty()) {
            break;
          }
        }
        queue.notifyAll(); // who waits for the end of the queue
        if (held || limit.isEmpty()) {
          queue.wait();
        } else {
          TimeUnit.NANOSECONDS.timedWait(queue, Math.max(limit.nanosToNext(), 1_000_000));
        }
      }
      List<Entry> taken = new ArrayList<>();
      while (taken.size() < BATCH && !queue.isEmpty()) {
        Entry entry = queue.remove();
        characters -= entry.characters();
        taken.add(entry);
      }
      writing = true;
      return taken;
    }
  }

  private void write(List<Entry> entries) {
    LineFormat now;
    synchronized (queue) {
      now = format;
    }
    StringBuilder text = new StringBuilder();
    boolean written = false;
    try {
      for (Entry entry : entries) {
        ILoggingEvent event = entry.event();
        now.append(
            text, event == null ? gap(entry.dropped()) : LogLine.of(event, entry.suffix(), stacks));
      }
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
      written = true;
    } catch (IOException | RuntimeException e) {
      // There is no other place to say it: the lines are counted as dropped.
    }
    synchronized (queue) {
      failed = !written;
      for (Entry entry : entries) {
        dropped += written ? 0 : entry.event() == null ? entry.dropped() : 1;
      }
    }
  }

  private static LogLine gap(long dropped) {
    String what =
        dropped == 1 ? "1 line was" : String.format(Locale.ROOT, "%,d lines were", dropped);
    return new LogLine(
        Instant.now(),
        Level.WARN,
        false,
        Subject.of(LogQueue.class.getName()),
        what + " dropped: standard error did not take them in time",
        Map.of("dropped", dropped),
        null,
        List.of());
  }
}
