// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether a write to a file system hangs that was made on the submitting thread. As long as one
 * hangs, no further ones are made there, not even to other files: a file system that is frozen, or
 * whose disk or server does not answer, stops them all. So one that hangs occupies few threads.
 *
 * <p>Only one of the writes under way is known, to keep this cheap. Each that hangs takes its place
 * at the latest when the others have ended, so no more can hang than there are threads that write
 * at the same instant, and one more.
 *
 * <p>Any thread.
 */
final class WritesUnderWay {
  /** After this time a write is taken to hang. */
  static final long HANGS_NANOS = 1_000_000;

  private static final long NONE = 0;

  /** By number of the file system, or of the block device. Never more than this machine has had. */
  private static final ConcurrentMap<Object, WritesUnderWay> BY_DEVICE = new ConcurrentHashMap<>();

  /** When the known write began. */
  private final AtomicLong since = new AtomicLong(NONE);

  /** Those to the file system of this file; of a block device, to the device. */
  static WritesUnderWay of(Path path) {
    try {
      boolean regular = Files.isRegularFile(path);
      Object number =
          Files.getAttribute(path, regular ? "unix:dev" : "unix:rdev", new LinkOption[0]);
      return BY_DEVICE.computeIfAbsent(number, unknown -> new WritesUnderWay());
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return new WritesUnderWay(); // unknown here: the file stands alone
    }
  }

  /** Whether none hangs at {@code now}, a time of {@link System#nanoTime}. */
  boolean areQuick(long now) {
    long begun = since.get();
    return begun == NONE || now - begun <= HANGS_NANOS;
  }

  /** A write begins. */
  void begin(long now) {
    if (since.get() == NONE) {
      var _ = since.compareAndSet(NONE, now);
    }
  }

  /** The write that began then has ended. */
  void end(long begun) {
    if (since.get() == begun) {
      var _ = since.compareAndSet(begun, NONE);
    }
  }
}
