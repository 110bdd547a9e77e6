// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/** What a suspended device may leave undone. In either mode no request is in flight afterwards. */
public enum SuspendMode {
  /** Targets finish the work that they have queued. */
  FLUSH,
  /** Targets need not finish it. */
  NOFLUSH
}
