// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** For tests in which everything goes wrong a thousand times, as it should: nothing is logged. */
public final class QuietLog implements BeforeAllCallback, AfterAllCallback {
  private static final Logger ROOT = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);

  private @Nullable Level before;

  @Override
  public void beforeAll(ExtensionContext context) {
    before = ROOT.getLevel();
    ROOT.setLevel(Level.OFF);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    ROOT.setLevel(before);
  }
}
