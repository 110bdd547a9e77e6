// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigUtil;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Finds keys that one file gives twice. HOCON lets the last one win, or merges two objects, without
 * a word: of {@code luns { 0 = vm1, 0 = vm2 }} the first is lost, and a second {@code vm1 { }}
 * mixes two volumes. So this reads the text a second time, when it is known to be good HOCON.
 *
 * <pre>
 *   a key whose value is text or a list, twice           reported
 *   a volume, device, target or LUN that is opened twice reported
 *   a section that is opened twice (limits { } ...)      allowed: its keys are told apart
 *   a later value with a ${substitution}, or +=          allowed: this is how HOCON overrides
 *   the same key in an included file                     allowed, for the same reason
 * </pre>
 */
final class RepeatedKeys {
  /** A key that is given twice. */
  record Repeat(String key, int line, int firstLine) {}

  private enum Kind {
    OBJECT,
    OTHER
  }

  private record Given(int line, Kind kind) {}

  private final String text;
  private final List<Repeat> repeats = new ArrayList<>();
  private int at;
  private int line = 1;

  private RepeatedKeys(String text) {
    this.text = text;
  }

  /** The keys given twice in a text that is good HOCON, in its order. */
  static List<Repeat> in(String text) {
    RepeatedKeys scan = new RepeatedKeys(text);
    scan.file();
    return scan.repeats;
  }

  /** The volumes, devices and targets that a text opens, with their lines. */
  static SortedMap<String, Integer> opened(String text) {
    SortedMap<String, Integer> lines = new TreeMap<>();
    new RepeatedKeys(text)
        .file()
        .forEach((key, given) -> {
          if (key.size() == 3 && isNamedThing(key)) {
            lines.put(ConfigUtil.joinPath(key), given.line);
          }
        });
    return lines;
  }

  private Map<List<String>, Given> file() {
    Map<List<String>, Given> given = new HashMap<>();
    skipBlanks();
    if (peek() == '{') {
      next();
    }
    object(List.of(), given);
    return given;
  }

  /** The keys of an object, up to its brace or the end. */
  private void object(List<String> path, Map<List<String>, Given> given) {
    while (true) {
      skipBlanks();
      if (at >= text.length()) {
        return;
      }
      if (peek() == '}') {
        next();
        return;
      }
      if (text.startsWith("include", at) && " \t\"(".indexOf(peek(7)) >= 0) {
        skipLine();
        continue;
      }
      int before = at;
      int keyLine = line;
      List<String> key = new ArrayList<>(path);
      key.addAll(key());
      boolean appends = peek() == '+';
      while (at < text.length() && "+=: \t".indexOf(peek()) >= 0) {
        next();
      }
      int start = at;
      int inside = repeats.size();
      Kind kind = value(key, given);
      if (!appends && !hasSubstitution(start, at)) {
        note(key, new Given(keyLine, kind), given, inside);
      }
      if (at == before) {
        next(); // not HOCON as this reads it: go on behind it
      }
    }
  }

  private boolean hasSubstitution(int from, int to) {
    int found = text.indexOf("${", from);
    int brace = text.indexOf('{', from);
    // Of the value itself, not of one inside its braces.
    return found >= 0 && found < to && (brace < 0 || brace == found + 1);
  }

  /**
   * @param inside how many repeats there were before this value: those in it are its own
   */
  private void note(List<String> key, Given now, Map<List<String>, Given> given, int inside) {
    Given first = given.putIfAbsent(List.copyOf(key), now);
    if (first == null) {
      return;
    }
    boolean merged = first.kind == Kind.OBJECT && now.kind == Kind.OBJECT;
    if (!merged || isNamedThing(key)) {
      repeats.subList(inside, repeats.size()).clear();
      repeats.add(new Repeat(ConfigUtil.joinPath(key), now.line, first.line));
    }
  }

  /** A volume, device or target, or a LUN of a target. */
  private static boolean isNamedThing(List<String> key) {
    if (key.size() < 3 || !key.getFirst().equals("anabranch")) {
      return false;
    }
    String section = key.get(1);
    return key.size() == 3
        ? List.of("volumes", "devices", "targets").contains(section)
        : key.size() == 5 && section.equals("targets") && key.get(3).equals("luns");
  }

  /** A key, in its parts, up to what separates it from its value. */
  private List<String> key() {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    while (at < text.length() && "=:{}+\n#,[]".indexOf(peek()) < 0 && !isComment()) {
      if (peek() == '"') {
        part.append(quoted());
      } else if (peek() == '.') {
        parts.add(part.toString().strip());
        part.setLength(0);
        next();
      } else {
        part.append(next());
      }
    }
    parts.add(part.toString().strip());
    return parts;
  }

  /** A value, which may be a sequence of several, up to its end. */
  private Kind value(List<String> key, Map<List<String>, Given> given) {
    skipBlanksButCommas();
    Kind kind = Kind.OTHER;
    while (at < text.length() && ",}]\n#".indexOf(peek()) < 0 && !isComment()) {
      switch (peek()) {
        case '{' -> {
          next();
          object(key, given);
          kind = Kind.OBJECT;
        }
        case '[' -> {
          next();
          list();
        }
        case '"' -> quoted();
        case '$' -> substitution();
        default -> next();
      }
    }
    return kind;
  }

  private void list() {
    while (true) {
      skipBlanks();
      if (at >= text.length()) {
        return;
      }
      if (peek() == ']') {
        next();
        return;
      }
      int before = at;
      value(List.of(""), new HashMap<>());
      if (at == before) {
        next();
      }
    }
  }

  private void substitution() {
    while (at < text.length() && peek() != '}' && peek() != '\n') {
      next();
    }
    if (peek() == '}') {
      next();
    }
  }

  private String quoted() {
    StringBuilder content = new StringBuilder();
    boolean triple = text.startsWith("\"\"\"", at);
    int quotes = triple ? 3 : 1;
    for (int i = 0; i < quotes; i++) {
      next();
    }
    while (at < text.length() && !(triple ? text.startsWith("\"\"\"", at) : peek() == '"')) {
      if (!triple && peek() == '\\') {
        next();
        if (at >= text.length()) {
          break;
        }
      }
      content.append(next());
    }
    while (at < text.length() && peek() == '"' && quotes-- > 0) {
      next();
    }
    return content.toString();
  }

  /** Blanks, line ends, commas and comments. */
  private void skipBlanks() {
    while (at < text.length()) {
      if (isComment()) {
        skipLine();
      } else if (Character.isWhitespace(peek()) || peek() == ',' || peek() == '\ufeff') {
        next();
      } else {
        return;
      }
    }
  }

  /** Blanks, line ends and comments in front of a value. */
  private void skipBlanksButCommas() {
    while (at < text.length()) {
      if (isComment()) {
        skipLine();
      } else if (Character.isWhitespace(peek())) {
        next();
      } else {
        return;
      }
    }
  }

  private boolean isComment() {
    return peek() == '#' || (peek() == '/' && peek(1) == '/');
  }

  private void skipLine() {
    while (at < text.length() && peek() != '\n') {
      next();
    }
  }

  private char peek() {
    return peek(0);
  }

  private char peek(int ahead) {
    return at + ahead < text.length() ? text.charAt(at + ahead) : 0;
  }

  private char next() {
    char c = peek();
    if (c == '\n') {
      line++;
    }
    at++;
    return c;
  }
}
