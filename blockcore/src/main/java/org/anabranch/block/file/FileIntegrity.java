// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether somebody outside has cut an open file or deleted its last name. Neither fails a
 * system call: a write beyond the new end succeeds and leaves a gap that reads as zeros, and an
 * unlinked file takes writes until it is closed, and loses them then.
 *
 * <p>The file is looked at after each sync, before each change that may wait, and before the first
 * write after {@value #INTERVAL_NANOS} ns without a look. A file that is cut and written beyond its
 * end within that time is not noticed. Any thread.
 */
final class FileIntegrity {
  static final long INTERVAL_NANOS = 10_000_000;

  private final RawFile file;

  /** Whether the file had a name when it was opened; some file systems count no links at all. */
  private final boolean hadLinks;

  /** When the file was looked at last, {@link System#nanoTime}. */
  private volatile long looked;

  /** Bytes that were never cut off; more than any file has until it is {@link #cut}. */
  private volatile long whole = Long.MAX_VALUE;

  FileIntegrity(RawFile file) {
    this.file = file;
    boolean links;
    try {
      links = file.links() > 0;
    } catch (IOException e) {
      links = false; // not known here: only the length is looked at
    }
    this.hadLinks = links;
    this.looked = System.nanoTime(); // its length was just measured
  }

  /** Whether it is time to look again. Never blocks. */
  boolean isDue() {
    return System.nanoTime() - looked >= INTERVAL_NANOS;
  }

  /** Whether bytes up to {@code end} were cut off at some time, also if the file is longer now. */
  boolean lacks(long end) {
    return end > whole;
  }

  /** Up to which byte the file holds what it should. May block. */
  long present() throws IOException {
    return Math.min(file.size(), whole);
  }

  /** What is not there now is missing for good. One thread at a time; may block. */
  void cut() throws IOException {
    whole = Math.min(whole, file.size());
  }

  /** What was missing is there again. One thread at a time. */
  void restored() {
    whole = Long.MAX_VALUE;
  }

  /**
   * Looks at the file. May block.
   *
   * @param bytes how long it must be
   * @return what is wrong with it, for a message that begins with its name; null if all is well
   */
  @Nullable String look(long bytes) throws IOException {
    looked = System.nanoTime();
    long size = file.size();
    if (size < bytes) {
      return "was cut from outside to " + size + " of " + bytes + " bytes";
    }
    if (hadLinks && file.links() == 0) {
      return "was deleted from outside; its data goes when it is closed";
    }
    return null;
  }
}
