// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A bracket of a file that has no partner. The parser reports the end of the file, or the bracket
 * after it.
 *
 * @param bracket such as an opening brace
 * @param line from 1
 */
record UnclosedBracket(char bracket, int line) {
  /** The first closing bracket that closes nothing, or the last that is not closed; or null. */
  static @Nullable UnclosedBracket in(String text) {
    Deque<UnclosedBracket> open = new ArrayDeque<>();
    int line = 1;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\n') {
        line++;
      } else if (c == '#' || text.startsWith("//", i)) {
        i = end(text, i, "\n") - 1;
      } else if (c == '"') {
        int end = stringEnd(text, i);
        line += (int) text.substring(i, end).chars().filter(each -> each == '\n').count();
        i = end - 1;
      } else if (c == '{' || c == '[') {
        open.push(new UnclosedBracket(c, line));
      } else if (c == '}' || c == ']') {
        UnclosedBracket opening = open.poll();
        if (opening == null) {
          return new UnclosedBracket(c, line);
        }
        if (opening.partner() != c) {
          return opening;
        }
      }
    }
    return open.peek();
  }

  private static int end(String text, int from, String what) {
    int at = text.indexOf(what, from);
    return at < 0 ? text.length() : at;
  }

  /** Behind a string that begins with a quote at {@code from}. */
  private static int stringEnd(String text, int from) {
    if (text.startsWith("\"\"\"", from)) {
      return Math.min(text.length(), end(text, from + 3, "\"\"\"") + 3);
    }
    int at = from + 1;
    while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\n') {
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    return Math.min(text.length(), at + 1);
  }

  private char partner() {
    return switch (bracket) {
      case '{' -> '}';
      case '[' -> ']';
      case '}' -> '{';
      default -> '[';
    };
  }

  /** What is wrong, and what to do. */
  String message() {
    return bracket == '{' || bracket == '['
        ? "the " + bracket + " in this line is not closed: a " + partner() + " is missing"
        : "the " + bracket + " in this line closes nothing: remove it, or add a " + partner();
  }
}
