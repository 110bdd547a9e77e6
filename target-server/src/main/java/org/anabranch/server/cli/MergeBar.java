// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.server.control.verbs.snapshots.MergeStep;
import org.anabranch.server.control.verbs.snapshots.SnapshotFacts;
import org.anabranch.server.terminal.Bar;
import org.anabranch.server.terminal.Screen;
import org.jspecify.annotations.Nullable;

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
  private @Nullable MergeStep before;

  /**
   * @param label in front of every line
   */
  public MergeBar(Screen screen, String label) {
    this.screen = screen;
    this.label = label;
    this.bar = new Bar(screen, label);
  }

  /** Draws one state. */
  public void update(MergeStep step) {
    if (step.hook() != null) {
      draw(label + step.hook(), true);
      return;
    }
    boolean changed = before == null || !state(before).equals(state(step));
    before = step;
    if (step.merge() != null) {
      MergeText merge = new MergeText(step.merge());
      int tenth = (int) (merge.share() * 10);
      boolean paused = step.merge().state() == MergeProgress.State.PAUSED;
      draw(bar.at(merge.share(), merge.words()), tenth > shown || (changed && paused));
      shown = Math.max(shown, tenth);
    } else if (step.phase() == SnapshotFacts.Phase.QUEUED) {
      draw(label + "waiting for the rollback or export under way", changed);
    } else if (step.phase() == SnapshotFacts.Phase.WAITING) {
      draw(label + "waiting until nobody uses the volume", changed);
    }
  }

  private static Enum<?> state(MergeStep step) {
    return step.merge() == null ? step.phase() : step.merge().state();
  }

  private void draw(String text, boolean news) {
    if (screen.moves()) {
      screen.temporary(text);
    } else if (news) {
      screen.line(text);
    }
  }
}
