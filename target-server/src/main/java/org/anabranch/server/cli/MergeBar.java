// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.Map;
import org.anabranch.server.terminal.Bar;
import org.anabranch.server.terminal.Screen;

/**
 * Draws what the server tells of a merge: bytes, percent, rate and time left. On a terminal it is
 * one line that moves; elsewhere there is a line at every tenth of the way and at every change of
 * state. One thread.
 */
public final class MergeBar {
  private final Screen screen;
  private final String label;
  private final Bar bar;
  private int shown = -1;
  private String state = "";

  /**
   * @param label in front of every line
   */
  public MergeBar(Screen screen, String label) {
    this.screen = screen;
    this.label = label;
    this.bar = new Bar(screen, label);
  }

  /** Draws one state. */
  public void update(Map<String, ?> status) {
    String was = state;
    state = String.valueOf(status.get("state"));
    boolean changed = !was.equals(state);
    if (status.containsKey("remaining-bytes")) {
      MergeText merge = MergeText.of(status);
      int tenth = (int) (merge.share() * 10);
      draw(
          bar.at(merge.share(), merge.words()),
          tenth > shown || (changed && state.equals("paused")));
      shown = Math.max(shown, tenth);
    } else if (state.equals("queued")) {
      draw(label + "waiting for the merge or export under way", changed);
    } else if (state.equals("waiting")) {
      draw(label + "waiting until nobody uses the volume", changed);
    }
  }

  private void draw(String text, boolean news) {
    if (screen.moves()) {
      screen.temporary(text);
    } else if (news) {
      screen.line(text);
    }
  }
}
