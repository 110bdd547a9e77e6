// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.naming.PrintableText;

/** Collects what an import could not keep as it was. One thread. */
public final class Losses {
  /** Of a text in one line. */
  private static final int MAX_TEXT = 400;

  /**
   * Something that differs here.
   *
   * @param where the place in the other configuration, such as {@code targets.conf:12}
   * @param what what was there and what became of it
   */
  public record Loss(String where, String what) {
    @Override
    public String toString() {
      return where + ": " + what;
    }
  }

  private final List<Loss> list = new ArrayList<>();

  /** Adds a loss, each once. */
  void add(String where, String what) {
    Loss loss = new Loss(PrintableText.of(where, MAX_TEXT), PrintableText.of(what, MAX_TEXT));
    if (!list.contains(loss)) {
      list.add(loss);
    }
  }

  /** All, in the order in which they were found. */
  public List<Loss> all() {
    return List.copyOf(list);
  }
}
