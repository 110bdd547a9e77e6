// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.anabranch.block.IoError;

/** A failed system call, with the kind of error to report to an initiator. */
final class FileError extends IOException {
  private static final long serialVersionUID = 1L;

  private final IoError.Kind kind;

  FileError(IoError.Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  FileError(IoError.Kind kind, String message, IOException cause) {
    super(message, cause);
    this.kind = kind;
  }

  IoError.Kind kind() {
    return kind;
  }

  /** The kind of a failure. The JDK's exceptions carry the system's text, not the errno. */
  static IoError.Kind kindOf(IOException failure) {
    if (failure instanceof FileError error) {
      return error.kind;
    }
    if (failure instanceof ClosedChannelException) {
      return IoError.Kind.GONE;
    }
    String words = String.valueOf(failure.getMessage());
    if (words.contains("No space left on device") || words.contains("Disk quota exceeded")) {
      return IoError.Kind.NO_SPACE;
    }
    return words.contains("Read-only file system") ? IoError.Kind.READ_ONLY : IoError.Kind.IO;
  }
}
