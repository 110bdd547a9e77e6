// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import org.anabranch.server.terminal.ProgressBar;
import org.anabranch.server.terminal.Screen;
import org.jspecify.annotations.Nullable;

/** A progress bar of data that is exported or imported; it begins when the first state comes. */
final class DataBar {
  private final Screen screen;
  private final boolean silent;
  private @Nullable ProgressBar bar;

  /**
   * @param silent whether nothing is shown
   */
  DataBar(Screen screen, boolean silent) {
    this.screen = screen;
    this.silent = silent;
  }

  /** So much of the data is done. */
  void update(long done, long total) {
    if (silent || total <= 0) {
      return;
    }
    if (bar == null) {
      bar = new ProgressBar(screen, "", total, System::nanoTime);
    }
    bar.update(done);
  }
}
