// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows below a heading, each column as wide as what is in it. Where the screen is too narrow for a
 * row, its last columns go to lines of their own, indented. One thread.
 */
public final class TextTable {
  private static final String GAP = "  ";
  private static final String INDENT = "    ";

  private final List<List<String>> rows = new ArrayList<>(); // the heading first
  private final int[] widths;

  public TextTable(String... heading) {
    widths = new int[heading.length];
    row((Object[]) heading);
  }

  /** One row, a cell for each column. */
  public void row(@Nullable Object... cells) {
    List<String> row = new ArrayList<>(cells.length);
    for (int i = 0; i < widths.length; i++) {
      String cell = String.valueOf(cells[i]);
      row.add(cell);
      widths[i] = Math.max(widths[i], cell.length());
    }
    rows.add(row);
  }

  /**
   * All lines, each with its end.
   *
   * @param columns that a line has room for
   */
  public String text(int columns) {
    boolean[] folded = folds(columns);
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        if (folded[i]) {
          text.append(line.toString().stripTrailing()).append('\n');
          line = new StringBuilder(INDENT);
        }
        line.append(row.get(i)).repeat(" ", widths[i] - row.get(i).length()).append(GAP);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** Which columns begin a line of their own. */
  private boolean[] folds(int columns) {
    boolean[] folded = new boolean[widths.length];
    long end = widths[0];
    for (int i = 1; i < widths.length; i++) {
      end += GAP.length() + widths[i];
      if (end > columns) {
        folded[i] = true;
        end = (long) INDENT.length() + widths[i];
      }
    }
    return folded;
  }
}
