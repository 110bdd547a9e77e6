// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import org.jspecify.annotations.Nullable;

/**
 * Why a request failed. A value, not an exception: completions pass it on. The layer that creates
 * one for a storage failure logs it once; the layers above pass it on without logging.
 *
 * @param kind the class of failure, as reported to the initiator
 * @param sector the first sector known to be bad, relative to the device that failed; -1 if unknown
 * @param message one line for the log
 * @param cause the underlying exception, if any
 */
public record IoError(Kind kind, long sector, String message, @Nullable Throwable cause) {
  /** The classes of failure that upper layers distinguish. */
  public enum Kind {
    /** The medium or the path to it failed (EIO). */
    IO,
    /** No space left (ENOSPC), or a full COW store. */
    NO_SPACE,
    /** The device is read-only (EROFS). */
    READ_ONLY,
    /** The device does not support the operation (EOPNOTSUPP). */
    NOT_SUPPORTED,
    /** The range lies beyond the end of the device. */
    OUT_OF_RANGE,
    /** The device was removed or shut down while the request was waiting. */
    GONE,
    /** Another server has the storage, and this one may not use it (ESHUTDOWN). */
    ELSEWHERE
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

  /** As a checked exception, for callers that wait for a control operation. */
  public java.io.IOException toException() {
    return new java.io.IOException(message, cause);
  }
}
