// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.anabranch.config.ChapDigest;
import org.anabranch.config.Portal;
import org.anabranch.config.Secret;
import org.anabranch.naming.AddressRange;
import org.anabranch.naming.InitiatorPattern;
import org.jspecify.annotations.Nullable;

/**
 * The format of a value in the file, and its meaning.
 *
 * @param allowed the description that an error shows
 * @param secret whether an error must not show the value
 * @param reader the meaning of a text; null when the text has another format, or an {@link
 *     IllegalArgumentException} whose message says what is wrong with it
 */
record ValueFormat<T>(String allowed, boolean secret, Function<String, @Nullable T> reader) {
  private static final Pattern NUMBER_AND_UNIT =
      Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,9})?)\\s*([A-Za-z]*)");

  static final ValueFormat<String> NAME =
      of(
          "a name of 1 to 64 letters, digits, '.', '_', '+' and '-' that begins with a letter or"
              + " digit",
          text -> isName(text) ? text : null);

  static final ValueFormat<Boolean> BOOLEAN =
      of(
          "true or false",
          text ->
              switch (text.toLowerCase(Locale.ROOT)) {
                case "true", "yes", "on" -> true;
                case "false", "no", "off" -> false;
                default -> null;
              });

  /** A group of this machine: its name as useradd(8) allows it, or its number. */
  static final ValueFormat<String> GROUP =
      of(
          "the name of a group of this machine",
          text -> text.matches("[A-Za-z0-9_][A-Za-z0-9_.@-]{0,31}[$]?") ? text : null);

  static final ValueFormat<String> PATH =
      of("the path of a file", text -> text.isEmpty() || !isPath(text) ? null : text);

  static final ValueFormat<Portal> PORTAL =
      of("ADDRESS:PORT such as 127.0.0.1:3260, 0.0.0.0:3260 or [::1]:3260", Portal::parse);

  static final ValueFormat<AddressRange> ADDRESSES =
      of(
          "an address or range such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
          AddressRange::parse);

  static final ValueFormat<InitiatorPattern> INITIATOR =
      of(
          "an iSCSI name, or a pattern such as iqn.1993-08.org.debian:*, or *",
          InitiatorPattern::new);

  static final ValueFormat<String> CHAP_USER =
      of(
          "a name of 1 to 255 characters, none of them a control character",
          text ->
              text.isEmpty()
                      || text.length() > 255
                      || text.chars().anyMatch(Character::isISOControl)
                  ? null
                  : text);

  /** RFC 7143 13.6: at most 255 bytes of UTF-8. */
  static final ValueFormat<String> ALIAS =
      of(
          "a text of 1 to 255 bytes without control characters",
          text ->
              text.isEmpty()
                      || text.getBytes(StandardCharsets.UTF_8).length > 255
                      || text.chars().anyMatch(Character::isISOControl)
                  ? null
                  : text);

  static final ValueFormat<ChapDigest> CHAP_DIGEST =
      oneOf(List.of(ChapDigest.values()), ChapDigest::text);

  static final ValueFormat<Secret> SECRET =
      new ValueFormat<>(
          Secret.MIN_BYTES
              + " to "
              + Secret.MAX_BYTES
              + " bytes (16 are best: all initiators take it)",
          true,
          text -> {
            Secret secret = new Secret(text);
            boolean good =
                secret.length() >= Secret.MIN_BYTES && secret.length() <= Secret.MAX_BYTES;
            return good ? secret : null;
          });

  static <T> ValueFormat<T> of(String allowed, Function<String, @Nullable T> reader) {
    return new ValueFormat<>(allowed, false, reader);
  }

  static boolean isName(String text) {
    return text.matches("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}");
  }

  /** A whole number from {@code min} to {@code max}. */
  static ValueFormat<Integer> integer(int min, int max) {
    return of(
        "a whole number from " + min + " to " + max,
        text -> {
          if (!text.matches("-?[0-9]{1,10}")) {
            return null;
          }
          long number = Long.parseLong(text);
          return number >= min && number <= max ? (int) number : null;
        });
  }

  /** One of a few values, by their texts, in whatever case. */
  static <T> ValueFormat<T> oneOf(List<T> values, Function<T, String> text) {
    return of(
        String.join(" or ", values.stream().map(text).toList()),
        found ->
            values.stream()
                .filter(v -> text.apply(v).equalsIgnoreCase(found))
                .findFirst()
                .orElse(null));
  }

  /** One of a few numbers. */
  static ValueFormat<Integer> oneOf(Integer... numbers) {
    return oneOf(Arrays.asList(numbers), n -> Integer.toString(n));
  }

  /** Bytes, from {@code min} to {@code max}, a multiple of {@code unit}. */
  static ValueFormat<Long> size(long min, long max, long unit) {
    return of(
        "a size from "
            + bytes(min)
            + " to "
            + bytes(max)
            + (unit > 1 ? " in whole multiples of " + unit + " bytes" : "")
            + ", such as 64 MiB, 1.5 GiB, 2 TB or 2097152s (sectors)",
        text -> {
          BigDecimal number = scaled(text, ValueFormat::bytesIn);
          if (number == null || number.stripTrailingZeros().scale() > 0) {
            return null;
          }
          BigInteger bytes = number.toBigInteger();
          boolean good =
              bytes.compareTo(BigInteger.valueOf(min)) >= 0
                  && bytes.compareTo(BigInteger.valueOf(max)) <= 0
                  && bytes.mod(BigInteger.valueOf(unit)).signum() == 0;
          return good ? bytes.longValueExact() : null;
        });
  }

  /** A time from {@code min} to {@code max}; a number without a unit is in milliseconds. */
  static ValueFormat<Duration> duration(Duration min, Duration max) {
    return of(
        "a time from " + time(min) + " to " + time(max) + ", such as " + examples(min, max),
        text -> {
          BigDecimal millis = scaled(text, ValueFormat::millisIn);
          if (millis == null
              || millis.compareTo(BigDecimal.valueOf(min.toMillis())) < 0
              || millis.compareTo(BigDecimal.valueOf(max.toMillis())) > 0) {
            return null;
          }
          return Duration.ofMillis(millis.longValue());
        });
  }

  private static @Nullable BigDecimal scaled(String text, Function<String, @Nullable Long> factor) {
    Matcher matcher = NUMBER_AND_UNIT.matcher(text.strip());
    if (!matcher.matches()) {
      return null;
    }
    Long unit = factor.apply(matcher.group(2));
    return unit == null
        ? null
        : new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
  }

  private static @Nullable Long millisIn(String unit) {
    return Map.ofEntries(
            Map.entry("", 1L),
            Map.entry("ms", 1L),
            Map.entry("millis", 1L),
            Map.entry("s", 1000L),
            Map.entry("second", 1000L),
            Map.entry("seconds", 1000L),
            Map.entry("m", 60_000L),
            Map.entry("min", 60_000L),
            Map.entry("minute", 60_000L),
            Map.entry("minutes", 60_000L),
            Map.entry("h", 3_600_000L),
            Map.entry("hour", 3_600_000L),
            Map.entry("hours", 3_600_000L),
            Map.entry("d", 86_400_000L),
            Map.entry("day", 86_400_000L),
            Map.entry("days", 86_400_000L))
        .get(unit);
  }

  /** HOCON's units: {@code K} and {@code KiB} are 1024 bytes, {@code kB} is 1000; and sectors. */
  private static @Nullable Long bytesIn(String unit) {
    switch (unit) {
      case "", "B", "b", "byte", "bytes" -> {
        return 1L;
      }
      case "s", "sector", "sectors" -> {
        return 512L;
      }
      default -> {}
    }
    int power = "kmgtpe".indexOf(Character.toLowerCase(unit.charAt(0))) + 1;
    if (power == 0) {
      return null;
    }
    return switch (unit.substring(1)) {
      case "", "i", "iB" -> 1L << (10 * power);
      case "B" -> BigInteger.TEN.pow(3 * power).longValueExact();
      default -> null;
    };
  }

  /** A size in the largest unit that divides it. */
  static String bytes(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    long n = bytes;
    while (unit < units.length - 1 && n >= 1024 && n % 1024 == 0) {
      n /= 1024;
      unit++;
    }
    return n + " " + units[unit];
  }

  /** A rate in bytes a second, with or without {@code /s}: 0, or {@code min} to {@code max}. */
  static ValueFormat<Long> rate(long min, long max) {
    ValueFormat<Long> size = size(0, max, 1);
    return of(
        "0 for no limit, or bytes a second from "
            + bytes(min)
            + " to "
            + bytes(max)
            + ", such as 50 MB or 64 MiB",
        text -> {
          Long bytes = size.reader().apply(text.strip().replaceFirst("\\s*/\\s*s$", ""));
          return bytes == null || (bytes > 0 && bytes < min) ? null : bytes;
        });
  }

  /** A time in the largest unit that divides it. */
  static String time(Duration duration) {
    long millis = duration.toMillis();
    String[] units = {"d", "h", "min"};
    long[] lengths = {86_400_000, 3_600_000, 60_000};
    for (int i = 0; i < units.length && millis > 0; i++) {
      if (millis % lengths[i] == 0) {
        return millis / lengths[i] + " " + units[i];
      }
    }
    return millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
  }

  /** Up to three times that are in a range. */
  private static String examples(Duration min, Duration max) {
    List<String> fit =
        Stream.of("500 ms", "15 s", "2 min", "1 h", "7 d")
            .filter(text -> {
              BigDecimal millis = scaled(text, ValueFormat::millisIn);
              return millis != null
                  && millis.compareTo(BigDecimal.valueOf(min.toMillis())) >= 0
                  && millis.compareTo(BigDecimal.valueOf(max.toMillis())) <= 0;
            })
            .limit(3)
            .toList();
    return fit.size() < 2
        ? String.join("", fit)
        : String.join(", ", fit.subList(0, fit.size() - 1)) + " or " + fit.getLast();
  }

  /** Whether this system can have a file of that name; its locale may not have all characters. */
  private static boolean isPath(String text) {
    try {
      return !Path.of(text).toString().isEmpty();
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
