// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

/** In which direction a command moves data; each has limits of its own. */
public enum Traffic {
  READ,
  WRITE
}
