// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import org.anabranch.block.IoError;

/** What an error number of librados or librbd means; both return it negated. */
final class RbdErrors {
  static final int ENOENT = 2;
  static final int EBUSY = 16;
  static final int EEXIST = 17;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ERANGE = 34;
  static final int EOPNOTSUPP = 95;

  /** The cluster has shut this client out, since another one took its lock: "blocklisted". */
  static final int ESHUTDOWN = 108;

  static final int ETIMEDOUT = 110;
  static final int EDQUOT = 122;
  static final int ECANCELED = 125;

  private RbdErrors() {}

  static IoError.Kind kind(int errno) {
    return switch (errno) {
      case ENOSPC, EDQUOT -> IoError.Kind.NO_SPACE;
      case EROFS -> IoError.Kind.READ_ONLY;
      case EOPNOTSUPP -> IoError.Kind.NOT_SUPPORTED;
      case ESHUTDOWN -> IoError.Kind.ELSEWHERE;
      default -> IoError.Kind.IO;
    };
  }

  /** A failed call, as an exception. */
  static IOException exception(String what, long result) {
    int errno = (int) -result;
    return new IOException(
        what
            + ": "
            + (errno == ETIMEDOUT ? "the Ceph cluster does not answer" : Libc.words(errno)));
  }
}
