// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import org.jspecify.annotations.Nullable;

/**
 * An initiator's name, or several by a pattern in which {@code *} stands for any characters.
 *
 * @param text normalised as names are, at most {@value #MAX_CHARACTERS} characters
 */
public record InitiatorPattern(String text) {
  private static final int MAX_CHARACTERS = 1024;

  /**
   * @param text in any spelling
   * @throws IllegalArgumentException if it is no pattern; the message is its {@link #flaw}
   */
  public InitiatorPattern {
    String flaw = flaw(text);
    if (flaw != null) {
      throw new IllegalArgumentException(flaw);
    }
    text = IscsiName.normalise(text);
  }

  /** Why no initiator's name can match a text; null if one can. */
  public static @Nullable String flaw(String text) {
    String pattern = IscsiName.normalise(text);
    if (pattern.length() > MAX_CHARACTERS) {
      return "it is longer than " + MAX_CHARACTERS + " characters";
    }
    String literal = pattern.replace("*", "");
    return literal.isEmpty() && !pattern.isEmpty() ? null : IscsiName.flaw(literal);
  }

  /**
   * How the names that it matches differ from the RFC; null if some of them do not. {@code *} at
   * its start can be any type.
   */
  public @Nullable String deviation() {
    if (text.indexOf('*') < 0) {
      return new IscsiName(text).deviation();
    }
    String literal = text.replace("*", "");
    String start = text.substring(0, text.indexOf('*'));
    boolean typed =
        IscsiName.hasType(start)
            || "iqn.".startsWith(start)
            || "eui.".startsWith(start)
            || "naa.".startsWith(start);
    return typed ? Stringprep.discouraged(literal) : "its type is not iqn., eui. or naa.";
  }

  /** Whether it matches every name, or every name of one type: it keeps nobody out. */
  public boolean matchesAnybody() {
    String literal = text.replace("*", "");
    boolean onlyType =
        "iqn.".startsWith(literal) || "eui.".startsWith(literal) || "naa.".startsWith(literal);
    return text.indexOf('*') >= 0
        && (onlyType || literal.chars().allMatch(c -> c == '.' || c == ':' || c == '-'));
  }

  /**
   * Whether it names this initiator. Looks for the literal pieces one after the other, each where
   * it comes first: no piece is looked for twice.
   */
  public boolean matches(IscsiName initiator) {
    String name = initiator.text();
    int star = text.indexOf('*');
    if (star < 0) {
      return name.equals(text);
    }
    int last = text.lastIndexOf('*');
    String end = text.substring(last + 1);
    if (name.length() < star + end.length()
        || !name.startsWith(text.substring(0, star))
        || !name.endsWith(end)) {
      return false;
    }
    int at = star;
    int limit = name.length() - end.length();
    for (int piece = star + 1; piece <= last; ) {
      int next = text.indexOf('*', piece);
      int length = next - piece;
      int found = name.indexOf(text.substring(piece, next), at, limit);
      if (found < 0) {
        return false;
      }
      at = found + length;
      piece = next + 1;
    }
    return true;
  }

  @Override
  public String toString() {
    return text;
  }
}
