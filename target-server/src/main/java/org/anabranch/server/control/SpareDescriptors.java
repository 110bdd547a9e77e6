// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File descriptors in reserve. When the process has used up all others (EMFILE), they are given up,
 * for one client that waits at the socket and what its request needs, such as the list of users.
 * They are taken back when it is gone. Any thread.
 */
final class SpareDescriptors {
  /** What to do about it; for messages. */
  static final String REMEDY =
      "see the limit of open files (ulimit -n, LimitNOFILE of the service) and limits.connections";

  private static final Logger LOG = LoggerFactory.getLogger(SpareDescriptors.class);
  private static final Path NOTHING = Path.of("/dev/null");
  private static final int MOST = 4;

  @GuardedBy("this")
  private final ArrayDeque<FileChannel> reserve = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean closed;

  /** Keeps as many as can be had, up to the most. */
  synchronized void keep() {
    while (!closed && reserve.size() < MOST) {
      try {
        reserve.add(FileChannel.open(NOTHING));
      } catch (IOException e) {
        LOG.debug("no file descriptor can be kept in reserve: {}", e.getMessage());
        return;
      }
    }
  }

  /** Gives them up; false if there are none. */
  synchronized boolean use() {
    if (reserve.isEmpty()) {
      return false;
    }
    release();
    LOG.warn("control: all file descriptors are in use; {}", REMEDY);
    return true;
  }

  /** Keeps none any more. */
  synchronized void close() {
    closed = true;
    release();
  }

  @GuardedBy("this")
  private void release() {
    for (FileChannel each = reserve.poll(); each != null; each = reserve.poll()) {
      try {
        each.close();
      } catch (IOException e) {
        LOG.debug("a file descriptor in reserve", e);
      }
    }
  }
}
