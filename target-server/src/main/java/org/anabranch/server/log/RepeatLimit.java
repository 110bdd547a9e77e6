// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * Limits lines that repeat. Events are alike when they have the same message before its arguments
 * are filled in, and concern the same peer (the value of {@value #FROM}) or, without one, have the
 * same first argument, which names a volume, device or file.
 *
 * <pre>
 *   within 10 s, of events that are alike         are written
 *   warnings and errors                           5
 *   what is less important                        50
 *   the same, of all peers together               100 and 1,000
 *   who did what, and DEBUG and below             all
 * </pre>
 *
 * <p>When the time is over, one line has the first of the others, and how many more there were. At
 * most {@value #MAX_KINDS} kinds are known at a time; what is beyond shares the limit of all peers.
 * Any thread.
 */
final class RepeatLimit {
  /** The key whose value is the address of a peer. */
  static final String FROM = "from";

  static final Duration WINDOW = Duration.ofSeconds(10);
  static final int MAX_WARNINGS = 5;
  static final int MAX_OTHERS = 50;
  static final int ALL_PEERS = 20;
  static final int MAX_KINDS = 1024;

  /**
   * What is left of events that are alike.
   *
   * @param example the first that was not written
   * @param more how many there were beside it
   * @param suffix what is appended to the example's message
   */
  record Sum(ILoggingEvent example, long more, String suffix) {}

  /**
   * @param subject the peer's address or the first argument; null for all peers together
   */
  private record Kind(String logger, @Nullable String message, @Nullable String subject) {}

  /** The events of one kind since {@code begin}. */
  private static final class Window {
    final long begin;
    final @Nullable String from;
    int written;
    long held;
    @Nullable ILoggingEvent example;

    Window(long begin, @Nullable String from) {
      this.begin = begin;
      this.from = from;
    }
  }

  private final LongSupplier nanoTime;

  /** The oldest window first. Guarded by this, as {@link #ended}. */
  private final Map<Kind, Window> windows = new LinkedHashMap<>();

  /** Sums of windows whose kind came again after their end. */
  private final List<Sum> ended = new ArrayList<>();

  RepeatLimit(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Whether an event is to be written. If not, it is counted. */
  synchronized boolean admits(ILoggingEvent event) {
    if (!event.getLevel().isGreaterOrEqual(Level.INFO) || LogLine.isAudit(event)) {
      return true;
    }
    int most = event.getLevel().isGreaterOrEqual(Level.WARN) ? MAX_WARNINGS : MAX_OTHERS;
    String from = from(event);
    String logger = event.getLoggerName();
    String message = event.getMessage();
    Window own = window(new Kind(logger, message, subject(event, from)), from);
    if (from == null && own != null) {
      return count(own, most, event);
    }
    if (own != null && own.written >= most) {
      return count(own, most, event);
    }
    Window all = window(new Kind(logger, message, null), null);
    if (all == null || !count(all, most * ALL_PEERS, event)) {
      return false;
    }
    return own == null || count(own, most, event);
  }

  private static boolean count(Window window, int most, ILoggingEvent event) {
    if (window.written < most) {
      window.written++;
      return true;
    }
    if (window.example == null) {
      event.prepareForDeferredProcessing();
      window.example = event;
    }
    window.held++;
    return false;
  }

  /** The window of a kind, a new one if need be; null when there are too many. With the lock. */
  private @Nullable Window window(Kind kind, @Nullable String from) {
    long now = nanoTime.getAsLong();
    Window window = windows.get(kind);
    if (window != null && !isOver(window, now)) {
      return window;
    }
    if (window != null) {
      windows.remove(kind);
      end(window);
    }
    if (windows.size() >= MAX_KINDS && !endOldest(now) && kind.subject != null) {
      return null;
    }
    Window begun = new Window(now, from);
    windows.put(kind, begun);
    return begun;
  }

  /** Makes room; false when the oldest window is not over yet. With the lock. */
  private boolean endOldest(long now) {
    Iterator<Window> oldest = windows.values().iterator();
    Window window = oldest.next();
    if (!isOver(window, now)) {
      return false;
    }
    oldest.remove();
    end(window);
    return true;
  }

  private static boolean isOver(Window window, long now) {
    return now - window.begin >= WINDOW.toNanos();
  }

  private void end(Window window) {
    if (window.example != null) {
      long more = window.held - 1;
      String of = window.from == null ? "" : " from " + window.from;
      String suffix =
          more == 0
              ? ""
              : String.format(
                  Locale.ROOT,
                  " (and %,d more like it%s within %d s)",
                  more,
                  of,
                  WINDOW.toSeconds());
      ended.add(new Sum(window.example, more, suffix));
    }
  }

  /**
   * Takes the sums of what is over.
   *
   * @param all also of what is not over yet: nothing comes after this
   */
  synchronized List<Sum> take(boolean all) {
    long now = nanoTime.getAsLong();
    Iterator<Window> oldest = windows.values().iterator();
    while (oldest.hasNext()) {
      Window window = oldest.next();
      if (!all && !isOver(window, now)) {
        break;
      }
      oldest.remove();
      end(window);
    }
    List<Sum> sums = List.copyOf(ended);
    ended.clear();
    return sums;
  }

  /** In how many nanoseconds there may be a sum to take; at most the length of a window. */
  synchronized long nanosToNext() {
    if (!ended.isEmpty()) {
      return 0;
    }
    long now = nanoTime.getAsLong();
    return windows.isEmpty()
        ? WINDOW.toNanos()
        : Math.max(0, windows.values().iterator().next().begin + WINDOW.toNanos() - now);
  }

  /** Whether there is no window, and so nothing to wait for. */
  synchronized boolean isEmpty() {
    return windows.isEmpty() && ended.isEmpty();
  }

  private static @Nullable String from(ILoggingEvent event) {
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      for (KeyValuePair pair : pairs) {
        if (pair.key.equals(FROM)) {
          return String.valueOf(pair.value);
        }
      }
    }
    return null;
  }

  private static String subject(ILoggingEvent event, @Nullable String from) {
    if (from != null) {
      return from;
    }
    Object[] arguments = event.getArgumentArray();
    return arguments == null || arguments.length == 0 ? "" : Objects.toString(arguments[0], "null");
  }
}
