// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

/** What one path to a logical unit allows. */
public enum PathAccess {
  /** Whatever the unit itself allows. */
  READ_WRITE,
  /** No write: DATA PROTECT, and WP in the mode parameter header. */
  READ_ONLY
}
