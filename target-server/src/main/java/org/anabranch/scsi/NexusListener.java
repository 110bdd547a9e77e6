// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

/** What a SCSI target device has to say to a session outside of any command. */
public interface NexusListener {
  /**
   * Asynchronous event with sense data (RFC 7143 11.9.1, event 0). Any thread, no lock held, must
   * not block. A transport that cannot deliver it drops it: the unit attention stays.
   */
  void asynchronousEvent(long lun, byte[] sense);
}
