// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;

/** Numbers in the form that people read. */
public final class Sizes {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  private static final BigDecimal LARGE = new BigDecimal(100_000);

  private Sizes() {}

  /** Such as {@code 512 B}, {@code 1.5 GiB}, {@code 20 GiB}. */
  public static String bytes(double bytes) {
    int unit = 0;
    double n = bytes;
    while (unit < UNITS.length - 1 && n >= 1024) {
      n /= 1024;
      unit++;
    }
    String number = String.format(Locale.ROOT, n < 10 && unit > 0 ? "%.1f" : "%.0f", n);
    return (number.endsWith(".0") ? number.substring(0, number.length() - 2) : number)
        + " "
        + UNITS[unit];
  }

  /**
   * The same without rounding where two decimals or five digits can say it: {@code 20.5 GiB},
   * {@code 1025 MiB}. For sizes of volumes, which people compare.
   */
  public static String exact(long bytes) {
    for (int unit = UNITS.length - 1; unit > 0; unit--) {
      BigDecimal number =
          new BigDecimal(bytes).divide(new BigDecimal(1L << (10 * unit))).stripTrailingZeros();
      if (number.compareTo(BigDecimal.ONE) >= 0
          && number.scale() <= 2
          && number.compareTo(LARGE) < 0) {
        return number.toPlainString() + " " + UNITS[unit];
      }
    }
    return bytes < 1024 ? bytes + " B" : "about " + bytes((double) bytes);
  }

  /** Such as {@code 0.8 s}, {@code 42 s}, {@code 3 min 20 s}, {@code 2 h 5 min}. */
  public static String time(Duration time) {
    long seconds = time.toSeconds();
    if (seconds < 10) {
      return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
    }
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3600
        ? seconds / 60 + " min " + seconds % 60 + " s"
        : seconds / 3600 + " h " + seconds / 60 % 60 + " min";
  }
}
