// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a program prints. The beginning is kept, up to {@value #MAX_BYTES} bytes; the rest is read
 * and dropped, so that the program does not wait for a reader. A process that the program leaves
 * behind may print for longer; it is not waited for.
 */
final class HookOutput {
  private static final Logger LOG = LoggerFactory.getLogger(HookOutput.class);
  static final int MAX_BYTES = 16 << 10;
  private static final int MAX_LINES = 40;
  private static final int MAX_LINE = 400;
  private static final long LAST_WORDS_MILLIS = 500;

  private final byte[] kept = new byte[MAX_BYTES]; // guarded by this
  private int length; // guarded by this
  private boolean dropped; // guarded by this
  private final CountDownLatch ended = new CountDownLatch(1);

  /** Begins to read, on a thread of its own. */
  static HookOutput of(InputStream in) {
    HookOutput output = new HookOutput();
    Thread.ofVirtual().name("hook output").start(() -> output.read(in));
    return output;
  }

  private void read(InputStream in) {
    byte[] buffer = new byte[4096];
    try (in) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        keep(buffer, n);
      }
    } catch (IOException e) {
      LOG.debug("the output of a hook ended: {}", e.toString());
    } finally {
      ended.countDown();
    }
  }

  private synchronized void keep(byte[] buffer, int n) {
    int fits = Math.min(n, MAX_BYTES - length);
    System.arraycopy(buffer, 0, kept, length, fits);
    length += fits;
    dropped |= fits < n;
  }

  /** The lines so far; to be called when the program has ended. */
  List<String> lines() {
    try {
      if (!ended.await(LAST_WORDS_MILLIS, TimeUnit.MILLISECONDS)) {
        LOG.debug("a process that a hook has started still has its output open");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String text;
    boolean more;
    synchronized (this) {
      text = new String(kept, 0, length, StandardCharsets.UTF_8);
      more = dropped;
    }
    List<String> all = text.lines().filter(line -> !line.isBlank()).toList();
    List<String> lines =
        new java.util.ArrayList<>(
            all.stream().limit(MAX_LINES).map(HookOutput::shortened).toList());
    if (more || all.size() > MAX_LINES) {
      lines.add("(and more, which is not logged)");
    }
    return lines;
  }

  private static String shortened(String line) {
    String printable = line.strip().replaceAll("\\p{Cntrl}", "?");
    return printable.length() <= MAX_LINE ? printable : printable.substring(0, MAX_LINE) + "...";
  }
}
