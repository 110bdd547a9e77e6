// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Detects that an open file was truncated, or its last name deleted, from outside. Neither makes a
 * system call fail: a write beyond the new end succeeds and leaves a gap that reads as zeros, and
 * an unlinked file accepts writes until it is closed, and then loses them.
 *
 * <p>The file is checked after each sync, before each change that may block, and before the first
 * write after {@value #INTERVAL_NANOS} ns without a check. If a file is truncated and written
 * beyond its end within that time, it goes unnoticed. Any thread.
 */
final class FileIntegrity {
  static final long INTERVAL_NANOS = 10_000_000;

  private final RawFile file;

  /** Whether the file had a name when it was opened; some file systems report no link count. */
  private final boolean hadLinks;

  /** The time of the last check, by {@link System#nanoTime}. */
  private volatile long looked;

  /** Bytes that were never cut off; larger than any file until it is {@link #cut}. */
  private volatile long whole = Long.MAX_VALUE;

  FileIntegrity(RawFile file) {
    this.file = file;
    boolean links;
    try {
      links = file.links() > 0;
    } catch (IOException e) {
      links = false; // no link count here: only the length is checked
    }
    this.hadLinks = links;
    this.looked = System.nanoTime(); // the length was just read
  }

  /** Whether a check is due. Never blocks. */
  boolean isDue() {
    return System.nanoTime() - looked >= INTERVAL_NANOS;
  }

  /** Whether bytes before {@code end} were cut off at some time, even if the file grew again. */
  boolean lacks(long end) {
    return end > whole;
  }

  /** The end of the intact part in bytes. May block. */
  long present() throws IOException {
    return Math.min(file.size(), whole);
  }

  /** Records that everything beyond the current end is lost. One thread at a time; may block. */
  void cut() throws IOException {
    whole = Math.min(whole, file.size());
  }

  /** The lost part has been restored. One thread at a time. */
  void restored() {
    whole = Long.MAX_VALUE;
  }

  /**
   * Checks the file. May block.
   *
   * @param bytes the length that it must have
   * @return what is wrong with it, for a message that starts with its name; null if it is intact
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
