// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.concurrent.ThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts threads where the system may have none to give: a limit of the user ({@code ulimit -u}) or
 * of the control group ({@code pids.max}) is reached. Java then throws an OutOfMemoryError. That is
 * an error of what the thread was for, and of nothing else.
 */
public final class ThreadStart {
  /** What to do about it; for messages. */
  public static final String REMEDY =
      "the system has no more threads to give: see the limits of the user (ulimit -u) and of the"
          + " control group (TasksMax)";

  private static final Logger LOG = LoggerFactory.getLogger(ThreadStart.class);

  private ThreadStart() {}

  /**
   * Starts a thread.
   *
   * @return false, with the reason in the log, if there is none to be had; {@code work} never runs
   */
  public static boolean of(ThreadFactory factory, Runnable work) {
    try {
      factory.newThread(work).start();
      return true;
    } catch (OutOfMemoryError e) {
      LOG.error("a thread cannot be started ({}); {}", e.getMessage(), REMEDY);
      return false;
    }
  }
}
