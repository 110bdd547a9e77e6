// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Duration;

/** The one timer of the schedules. Any thread. */
public interface Alarm {
  /** Runs a task in a while, on a thread that may wait; in place of the task before. */
  void set(Duration in, Runnable task);

  /** No task begins any more. */
  void close();
}
