// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Slows the JDK's HTTP server down while it cannot accept connections, such as for lack of file
 * descriptors (EMFILE). By itself it tries again at once and for ever, which takes a whole
 * processor. It reports such a failure only to its own log, on the thread that accepts; so this is
 * a handler of that log, and it makes the thread wait. Connections that are open wait as well.
 */
final class AcceptFailures extends Handler {
  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(AcceptFailures.class);
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Held here, since the JDK forgets a logger that nobody holds, with its handlers. */
  private static final Logger JDK = Logger.getLogger("com.sun.net.httpserver");

  private AcceptFailures() {}

  /** From now on, for all servers of the process. */
  static synchronized void slowDown() {
    if (Arrays.stream(JDK.getHandlers()).noneMatch(AcceptFailures.class::isInstance)) {
      JDK.setUseParentHandlers(false);
      JDK.setLevel(Level.ALL);
      JDK.addHandler(new AcceptFailures());
    }
  }

  @Override
  public void publish(LogRecord record) {
    if (isOfAccept(record.getThrown())) {
      LOG.error(
          "a connection cannot be accepted: {}; if it is for lack of file descriptors, raise their"
              + " limit (ulimit -n, LimitNOFILE of the service)",
          record.getThrown().getMessage());
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private static boolean isOfAccept(@Nullable Throwable thrown) {
    return thrown instanceof IOException
        && Arrays.stream(thrown.getStackTrace())
            .anyMatch(frame -> frame.getMethodName().equals("accept"));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
