// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of a device-mapper table: {@code <start> <length> <type> <arguments...>}. Whether the
 * type exists and takes the arguments is not known here.
 *
 * @param start first sector
 * @param length in sectors, at least 1
 * @param type target type
 * @param arguments what stands behind the type
 */
public record TableLine(long start, long length, String type, List<String> arguments) {
  /** 8 EiB in sectors: byte offsets stay within a long. */
  static final long MAX_SECTORS = Long.MAX_VALUE / 512;

  public TableLine {
    arguments = List.copyOf(arguments);
  }

  /** The row, or null when the text is none. */
  static @Nullable TableLine parse(String text) {
    String[] words = text.strip().split("\\s+");
    if (words.length < 3 || !words[2].matches("[A-Za-z][A-Za-z0-9-]*")) {
      return null;
    }
    try {
      long start = Long.parseLong(words[0]);
      long length = Long.parseLong(words[1]);
      if (start < 0 || length < 1 || start > MAX_SECTORS - length) {
        return null;
      }
      return new TableLine(start, length, words[2], Arrays.asList(words).subList(3, words.length));
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** The row as dmsetup reads it. */
  @Override
  public String toString() {
    List<String> words =
        new ArrayList<>(List.of(Long.toString(start), Long.toString(length), type));
    words.addAll(arguments);
    return String.join(" ", words);
  }
}
