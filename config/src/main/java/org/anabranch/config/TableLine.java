// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of a device-mapper table: {@code <start> <length> <type> <arguments...>}. Whether the
 * type exists and takes the arguments is not known here. Words are separated by blanks; a backslash
 * takes the next character as it is, so that a path may hold a blank.
 *
 * @param start first sector
 * @param length in sectors, at least 1
 * @param type target type
 * @param arguments what stands behind the type, without quoting
 */
public record TableLine(long start, long length, String type, List<String> arguments) {
  /** 8 EiB in sectors: byte offsets stay within a long. */
  static final long MAX_SECTORS = Long.MAX_VALUE / 512;

  public TableLine {
    arguments = List.copyOf(arguments);
  }

  /** The row, or null when the text is none. */
  public static @Nullable TableLine parse(String text) {
    List<String> words = words(text);
    if (words.size() < 3 || !words.get(2).matches("[A-Za-z][A-Za-z0-9-]*")) {
      return null;
    }
    try {
      long start = Long.parseLong(words.get(0));
      long length = Long.parseLong(words.get(1));
      if (start < 0 || length < 1 || start > MAX_SECTORS - length) {
        return null;
      }
      return new TableLine(start, length, words.get(2), words.subList(3, words.size()));
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Takes a text apart at its blanks; a backslash takes the next character as it is. */
  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!quoted && Character.isWhitespace(c)) {
        if (!word.isEmpty()) {
          words.add(word.toString());
          word.setLength(0);
        }
      } else if (!quoted && c == '\\' && i + 1 < text.length()) {
        quoted = true;
      } else {
        word.append(c);
        quoted = false;
      }
    }
    if (!word.isEmpty()) {
      words.add(word.toString());
    }
    return words;
  }

  /** The row as dmsetup reads it: blanks and backslashes of a word behind a backslash. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(start + " " + length + " " + type);
    for (String argument : arguments) {
      text.append(' ');
      for (int i = 0; i < argument.length(); i++) {
        char c = argument.charAt(i);
        if (Character.isWhitespace(c) || c == '\\') {
          text.append('\\');
        }
        text.append(c);
      }
    }
    return text.toString();
  }
}
