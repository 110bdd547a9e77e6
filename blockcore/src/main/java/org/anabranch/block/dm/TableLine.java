// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One line of a table as text: {@code start length type arguments...}, in sectors.
 *
 * <p>Words are separated by blanks. A backslash quotes the next character, so a path may contain a
 * blank ({@code \ }). Empty lines and lines that start with {@code #} are ignored. The lines of a
 * table follow each other without a gap, from sector 0.
 *
 * @param number the line number in the text, from 1, for messages
 * @param start first sector on the mapped device
 * @param length length in sectors, at least 1
 * @param type the target type's name
 * @param arguments the target's arguments, unquoted
 */
public record TableLine(int number, long start, long length, String type, List<String> arguments) {
  /** The largest number of lines in a table. */
  public static final int MAX_LINES = TableSpec.MAX_ROWS;

  /** The largest length of a table's text, in characters. */
  public static final int MAX_TEXT = 1 << 20;

  private static final long MAX_SECTORS = TableSpec.MAX_SECTORS;

  public TableLine {
    arguments = List.copyOf(arguments);
  }

  /**
   * Parses a table.
   *
   * @throws TableException names the line, the column and the reason of the first error
   */
  public static List<TableLine> parse(String text) throws TableException {
    if (text.length() > MAX_TEXT) {
      throw new TableException(
          "Table too long: " + text.length() + " characters, at most " + MAX_TEXT);
    }
    List<TableLine> lines = new ArrayList<>();
    long end = 0;
    int number = 0;
    for (String raw : text.split("\\R", -1)) {
      number++;
      String line = raw.strip();
      if (line.isEmpty() || line.charAt(0) == '#') {
        continue;
      }
      if (lines.size() == MAX_LINES) {
        throw new TableException("Table too long: more than " + MAX_LINES + " lines");
      }
      TableLine parsed = new Words(raw, number).line(end);
      end = parsed.start + parsed.length;
      lines.add(parsed);
    }
    if (lines.isEmpty()) {
      throw new TableException("Empty table");
    }
    return List.copyOf(lines);
  }

  /** {@code word} as it appears in a table's text: blanks and backslashes are quoted. */
  public static String quote(String word) {
    StringBuilder quoted = new StringBuilder(word.length() + 4);
    for (int i = 0; i < word.length(); i++) {
      char c = word.charAt(i);
      if (Character.isWhitespace(c) || c == '\\') {
        quoted.append('\\');
      }
      quoted.append(c);
    }
    return quoted.toString();
  }

  /** An error message about this line. */
  String message(String reason) {
    return "line " + number + ": " + type + ": " + reason;
  }

  /** The line as text, with quoted words. */
  @Override
  public String toString() {
    return start
        + " "
        + length
        + " "
        + type
        + arguments.stream().map(word -> " " + quote(word)).collect(Collectors.joining());
  }

  /** Splits one line of text. */
  private static final class Words {
    private final String text;
    private final int number;
    private int at;

    /** The position of the last word read. */
    private int begin;

    Words(String text, int number) {
      this.text = text;
      this.number = number;
    }

    TableLine line(long expectedStart) throws TableException {
      long start = sectors("start");
      if (start != expectedStart) {
        throw wrong("Gap in table: starts at " + start + " instead of " + expectedStart);
      }
      long length = sectors("length");
      if (length == 0) {
        throw wrong("zero-length target");
      }
      if (length > MAX_SECTORS - start) {
        throw wrong("Target too long: ends beyond sector " + MAX_SECTORS);
      }
      String type = next();
      if (type.isEmpty()) {
        throw wrong("Invalid format: no target type");
      }
      List<String> arguments = new ArrayList<>();
      for (String word = next(); !word.isEmpty(); word = next()) {
        arguments.add(word);
      }
      return new TableLine(number, start, length, type, arguments);
    }

    private long sectors(String what) throws TableException {
      String word = next();
      if (word.isEmpty() || !word.chars().allMatch(c -> c >= '0' && c <= '9')) {
        throw wrong("Invalid format: " + what + " sector is a number, not '" + word + "'");
      }
      try {
        return Long.parseLong(word);
      } catch (NumberFormatException e) {
        throw wrong("Invalid format: " + what + " sector too large: " + word);
      }
    }

    /** The next word, unquoted; "" at the end. */
    private String next() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      begin = at;
      StringBuilder word = new StringBuilder();
      while (at < text.length() && !Character.isWhitespace(text.charAt(at))) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        word.append(text.charAt(at++));
      }
      return word.toString();
    }

    private TableException wrong(String reason) {
      return new TableException("line " + number + ", column " + (begin + 1) + ": " + reason);
    }
  }
}
