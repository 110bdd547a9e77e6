// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How far a piece of long work has come: a bar, percent, amount, rate and time left. On a terminal
 * the bar moves; elsewhere there is a plain line at every tenth of the way.
 */
public final class ProgressBar {
  private static final long REDRAW_NANOS = 50_000_000;
  private static final int STEPS = 10;

  /** A rate over less time than this says nothing. */
  private static final double LEAST_SECONDS = 0.5;

  private final Screen screen;
  private final Bar bar;
  private final long total;
  private final LongSupplier clock;
  private final long began;
  private long drawn;
  private int step;

  /**
   * @param label what the work is called; padded by the caller
   * @param total bytes, more than 0
   * @param clock nanoseconds
   */
  public ProgressBar(Screen screen, String label, long total, LongSupplier clock) {
    this.screen = screen;
    this.bar = new Bar(screen, label);
    this.total = total;
    this.clock = clock;
    this.began = clock.getAsLong();
    this.drawn = began - REDRAW_NANOS;
  }

  /** So many bytes are done. */
  public void update(long done) {
    long now = clock.getAsLong();
    if (screen.moves()) {
      if (now - drawn >= REDRAW_NANOS) {
        drawn = now;
        screen.temporary(text(done, now));
      }
    } else if (done * STEPS / total > step) {
      step = (int) (done * STEPS / total);
      screen.line(text(done, now));
    }
  }

  /** All is done: the bar's last state stays, or goes for a line of the caller's. */
  public String finish() {
    long nanos = Math.max(1, clock.getAsLong() - began);
    String amount = Sizes.bytes((double) total) + " in " + Sizes.time(Duration.ofNanos(nanos));
    return nanos / 1e9 < LEAST_SECONDS
        ? amount
        : amount + ", " + Sizes.bytes(total * 1e9 / nanos) + "/s";
  }

  private String text(long done, long now) {
    double share = done / (double) total;
    double seconds = Math.max(1, now - began) / 1e9;
    if (seconds < LEAST_SECONDS) {
      return bar.at(share, Sizes.bytes((double) done));
    }
    double rate = done / seconds;
    String left =
        done == 0
            ? ""
            : ", " + Sizes.time(Duration.ofMillis((long) ((total - done) / rate * 1000))) + " left";
    return bar.at(share, Sizes.bytes((double) done) + ", " + Sizes.bytes(rate) + "/s" + left);
  }
}
