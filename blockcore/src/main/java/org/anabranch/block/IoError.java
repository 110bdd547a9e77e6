// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import org.jspecify.annotations.Nullable;

/**
 * Why a request failed. A value, not an exception: it travels through completions. Whoever creates
 * one for a fault of the storage logs it there, once; layers above pass it on in silence.
 *
 * @param kind what an initiator must be told
 * @param sector the first sector known to be bad, relative to the device that failed; -1 if unknown
 * @param message one line for the log
 * @param cause the exception behind it, if there was one
 */
public record IoError(Kind kind, long sector, String message, @Nullable Throwable cause) {
  /** The classes of failure that a layer above tells apart. */
  public enum Kind {
    /** The medium or the path to it failed (EIO). */
    IO,
    /** No space left (ENOSPC), or a full COW store. */
    NO_SPACE,
    /** The device is read-only (EROFS). */
    READ_ONLY,
    /** The device has no such operation (EOPNOTSUPP). */
    NOT_SUPPORTED,
    /** The range lies beyond the end of the device. */
    OUT_OF_RANGE,
    /** The device was removed or shut down while the request waited. */
    GONE
  }

  public static IoError of(Kind kind, String message) {
    return new IoError(kind, -1, message, null);
  }

  public static IoError io(long sector, String message, @Nullable Throwable cause) {
    return new IoError(Kind.IO, sector, message, cause);
  }

  public static IoError outOfRange(Io io, long deviceSectors) {
    return new IoError(
        Kind.OUT_OF_RANGE, deviceSectors, io + " is beyond the end at " + deviceSectors, null);
  }

  /** As a checked exception, for callers that wait on a control operation. */
  public java.io.IOException toException() {
    return new java.io.IOException(message, cause);
  }
}
