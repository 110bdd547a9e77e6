// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.scsi.api.Sense;
import org.jspecify.annotations.Nullable;

/** The commands that a logical unit understands. */
public interface CommandSet {
  /** The command of a unit that a CDB names, or null. */
  @Nullable Command find(LogicalUnit unit, byte[] cdb);

  /** Why {@link #find} found none. */
  Sense unknown(byte[] cdb);
}
