// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigOrigin;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.Problem;
import org.anabranch.config.SourceLocation;
import org.anabranch.naming.PrintableText;

/** Collects what is wrong with one file and those that it includes. */
final class Problems {
  private static final int MAX_SHOWN = 100;
  private static final int MAX_REASON = 500;

  private final String file;
  private final List<Problem> list = new ArrayList<>();
  private final List<Problem> warnings = new ArrayList<>();

  Problems(String file) {
    this.file = file;
  }

  void add(ConfigOrigin origin, String key, String found, String allowed) {
    SourceLocation at = location(origin, key);
    list.add(new Problem(at.file(), at.line(), at.key(), found, allowed));
  }

  /** Adds something that works, and may not be what is meant. */
  void warn(ConfigOrigin origin, String key, String found, String better) {
    SourceLocation at = location(origin, key);
    warnings.add(new Problem(at.file(), at.line(), at.key(), found, better));
  }

  void warn(String found, String better) {
    warnings.add(new Problem(file, 0, "", found, better));
  }

  /** The same of one of the files that the configuration is made of. */
  void warnIn(String in, String found) {
    warnings.add(new Problem(in, 0, "", printable(found, MAX_REASON), ""));
  }

  SourceLocation location(ConfigOrigin origin, String key) {
    String name = origin.filename();
    return new SourceLocation(
        name == null ? file : name, Math.max(0, origin.lineNumber()), printable(key));
  }

  void add(int line, String found) {
    addIn(file, line, found);
  }

  /** Adds what is wrong with one of the files that the configuration is made of. */
  void addIn(String in, int line, String found) {
    list.add(new Problem(in, line, "", printable(found, MAX_REASON), ""));
  }

  /** The same of a key. */
  void addIn(String in, int line, String key, String found, String allowed) {
    list.add(new Problem(in, line, printable(key), found, allowed));
  }

  /** The same of a key that one file gives twice. */
  void addIn(String in, RepeatedKeys.Repeat repeat) {
    addIn(
        in,
        repeat.line(),
        repeat.key(),
        "given twice, the first time in line " + repeat.firstLine(),
        "each once");
  }

  /** The warnings, in the file's order. */
  List<Problem> warnings() {
    return Problem.inOrder(warnings);
  }

  /** Throws when there is any. */
  void check() throws InvalidConfigurationException {
    if (!list.isEmpty()) {
      throw new InvalidConfigurationException(list);
    }
  }

  /** One line of bounded length, whatever was in the file. */
  static String printable(String text) {
    return printable(text, MAX_SHOWN);
  }

  private static String printable(String text, int max) {
    return PrintableText.of(text, max);
  }
}
