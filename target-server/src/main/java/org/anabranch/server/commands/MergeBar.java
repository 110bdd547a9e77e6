// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.commands;

import java.time.Duration;
import java.util.Map;
import org.anabranch.server.terminal.ProgressBar;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;

/**
 * Draws what the server tells of a merge: bytes, percent, rate and time left. On a terminal it is
 * one line that moves; elsewhere there is a line at every tenth of the way and at every change of
 * state. One thread.
 */
public final class MergeBar {
  private final Screen screen;
  private final String label;
  private double total;
  private int shown = -1;
  private String state = "";

  /**
   * @param label in front of every line
   */
  public MergeBar(Screen screen, String label) {
    this.screen = screen;
    this.label = label;
  }

  /** Draws one state. */
  public void update(Map<String, ?> status) {
    String was = state;
    state = String.valueOf(status.get("state"));
    if (!(status.get("remaining-bytes") instanceof Number left)) {
      if (state.equals("queued")) {
        draw("waiting for the merge or export under way", !was.equals(state));
      } else if (state.equals("waiting")) {
        draw("waiting until nobody is logged in", !was.equals(state));
      }
      return;
    }
    double merged = number(status, "merged-bytes");
    total = Math.max(total, merged + left.doubleValue());
    double share = total == 0 ? 1 : merged / total;
    long seconds = (long) number(status, "seconds-left");
    String text =
        ProgressBar.bar(screen, share)
            + Sizes.bytes(merged)
            + " of "
            + Sizes.bytes(total)
            + ", "
            + Sizes.bytes(number(status, "bytes-per-second"))
            + "/s"
            + (seconds < 0 ? "" : ", " + Sizes.time(Duration.ofSeconds(seconds)) + " left")
            + (state.equals("paused") ? ", paused" : "");
    int tenth = (int) (share * 10);
    draw(text, tenth > shown || (state.equals("paused") && !was.equals("paused")));
    shown = Math.max(shown, tenth);
  }

  private void draw(String text, boolean news) {
    if (screen.moves()) {
      screen.temporary(label + text);
    } else if (news) {
      screen.line(label + text);
    }
  }

  private static double number(Map<String, ?> status, String key) {
    return status.get(key) instanceof Number n ? n.doubleValue() : 0;
  }
}
