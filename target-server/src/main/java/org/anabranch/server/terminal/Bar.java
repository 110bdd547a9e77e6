// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.util.Locale;

/**
 * What one piece of long work looks like on its way: a label, a bar, the percentage and some words.
 * Only terminals get the bar, which is as long as there is room for: a line that wraps could not be
 * written over. One thread.
 */
public final class Bar {
  private static final int MAX_CELLS = 30;

  private final Screen screen;
  private final String label;
  private int cells = MAX_CELLS; // never more again, or it would jump with the length of the words

  /**
   * @param label in front of every line; padded by the caller
   */
  public Bar(Screen screen, String label) {
    this.screen = screen;
    this.label = label;
  }

  /**
   * The line for this moment.
   *
   * @param share of the work that is done, 0 to 1
   * @param words amount, rate and the like
   */
  public String at(double share, String words) {
    double shown = Math.clamp(share, 0, 1);
    String percent = String.format(Locale.ROOT, "%3.0f %%  ", Math.floor(shown * 100));
    if (!screen.moves()) {
      return label + percent + words;
    }
    int room = screen.room() - Screen.length(label) - 1 - percent.length() - words.length();
    cells = Math.clamp(room, 0, cells);
    int filled = (int) (shown * cells);
    return label
        + screen.green(screen.full().repeat(filled))
        + screen.dim(screen.empty().repeat(cells - filled))
        + " "
        + percent
        + words;
  }
}
