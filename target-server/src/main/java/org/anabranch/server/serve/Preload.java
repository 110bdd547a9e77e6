// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.nio.file.Path;
import org.anabranch.block.file.FileOpener;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.base.EmbeddedDefaults;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.StatusVerb;
import org.slf4j.LoggerFactory;

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

  /**
   * Asks the server for its status over the control socket, once, on a thread of its own: loads and
   * opens what the first request of a user needs. If that came only when the process has no file
   * descriptor left, classes would fail to load, for good.
   */
  static void control(ControlClient client) {
    ThreadStart.of(
        Thread.ofPlatform().daemon().name("preload").factory(),
        () -> {
          try {
            client.ask(StatusVerb.CALL, Nothing.NOTHING);
          } catch (RefusedException e) {
            LoggerFactory.getLogger(Preload.class)
                .warn("the control socket does not answer: {}", e.getMessage());
          }
        });
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
