// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/**
 * A SCSI initiator port: for iSCSI the initiator's name and the session's ISID (RFC 7143 4.4.1).
 *
 * @param name iSCSI name, normalised
 * @param isid 48 bits
 */
public record InitiatorPort(String name, long isid) {
  /** The transport's port name, {@code iqn...,i,0x0123456789ab}, as in a TransportID. */
  public String portName() {
    return name + ",i,0x" + String.format("%012x", isid);
  }
}
