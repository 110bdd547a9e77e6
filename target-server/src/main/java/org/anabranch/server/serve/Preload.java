// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.nio.file.Path;
import org.anabranch.block.file.FileOpener;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.base.EmbeddedDefaults;

/**
 * Loads what a server needs and a command line doesn't, on a thread of its own, while the command
 * line is read: with two processors, neither waits.
 */
public final class Preload {
  private static final Thread THREAD =
      Thread.ofPlatform().daemon().name("preload").unstarted(Preload::load);

  private Preload() {}

  /** Begins; called once. */
  public static void begin() {
    THREAD.start();
  }

  /** Waits for its end, so that no two threads initialize classes that need each other. */
  static void end() throws InterruptedException {
    THREAD.join();
  }

  private static void load() {
    FileOpener.preload();
    IscsiServer.preload();
    try {
      EmbeddedDefaults.configuration(EmbeddedDefaults.PORTAL, Path.of(EmbeddedDefaults.FOLDER));
    } catch (InvalidConfigurationException e) {
      throw new IllegalStateException(e);
    }
  }
}
