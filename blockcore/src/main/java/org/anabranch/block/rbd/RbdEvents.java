// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that takes the ends of an image's requests from librbd. */
final class RbdEvents {
  private static final Logger LOG = LoggerFactory.getLogger(RbdEvents.class);

  /** How many are taken at a time. */
  private static final int MOST = 64;

  /** Takes the end of a request: its result is a number of bytes, 0, or a negated errno. */
  @FunctionalInterface
  interface Taker {
    void answered(long id, long result);
  }

  private final long image;
  private final Taker taker;
  private final int eventfd;
  private final Thread thread;
  private volatile boolean isEnding;

  private RbdEvents(String name, long image, Taker taker, int eventfd) {
    this.image = image;
    this.taker = taker;
    this.eventfd = eventfd;
    this.thread = Thread.ofPlatform().daemon().name("rbd " + name).unstarted(this::run);
  }

  /** Begins to take them. Requests must not be made before. */
  static RbdEvents start(String name, long image, Taker taker) throws IOException {
    int eventfd = Libc.eventfd();
    if (eventfd < 0) {
      throw new IOException("the system has no eventfd to give");
    }
    int result = Librbd.setImageNotification(image, eventfd);
    if (result < 0) {
      Libc.close(eventfd);
      throw RbdErrors.exception("the image's events", result);
    }
    RbdEvents events = new RbdEvents(name, image, taker, eventfd);
    events.thread.start();
    return events;
  }

  private void run() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment completions = arena.allocate(ValueLayout.JAVA_LONG, MOST);
      while (!isEnding) {
        Libc.awaitEvent(eventfd, count);
        int taken = MOST;
        while (taken == MOST) {
          taken = Librbd.pollIoEvents(image, completions, MOST);
          for (int i = 0; i < taken; i++) {
            take(completions.getAtIndex(ValueLayout.JAVA_LONG, i));
          }
        }
      }
    }
  }

  private void take(long completion) {
    long id = Librbd.aioGetArg(completion);
    long result = Librbd.aioGetReturnValue(completion);
    Librbd.aioRelease(completion);
    try {
      taker.answered(id, result);
    } catch (RuntimeException | AssertionError e) {
      LOG.error("{}: the end of a request failed", thread.getName(), e);
    }
  }

  /**
   * Ends the thread, and waits for that. What librbd answers later is not taken. The eventfd stays:
   * librbd may signal it until the image is closed, see {@link #release}.
   */
  void end() throws InterruptedException {
    isEnding = true;
    Libc.signal(eventfd);
    thread.join();
  }

  /** The image is closed. */
  void release() {
    Libc.close(eventfd);
  }
}
