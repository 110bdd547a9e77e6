// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Standard error, and where it leads. */
final class StandardError {
  private static final Path FILE = Path.of("/proc/self/fd/2");

  private StandardError() {}

  /** A stream without System.err's lock: who holds that may wait for a reader for ever. */
  static OutputStream stream() {
    return new FileOutputStream(FileDescriptor.err);
  }

  /**
   * Whether standard error leads to the journal of systemd.
   *
   * @param journalStream the value of {@code JOURNAL_STREAM}: device and inode of the stream that
   *     systemd opened. A process that was started from a service inherits it, so it counts only if
   *     standard error is that stream still (systemd.exec(5))
   */
  static boolean isJournal(@Nullable String journalStream) {
    return isJournal(journalStream, FILE);
  }

  static boolean isJournal(@Nullable String journalStream, Path file) {
    if (journalStream == null) {
      return false;
    }
    try {
      return journalStream.equals(
          Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino"));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false; // no /proc: then it is not known, and plain lines do no harm
    }
  }
}
