// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/**
 * A SCSI target port: for iSCSI a target and one of its portal groups (RFC 7143 4.4.1).
 *
 * @param targetName iSCSI name of the target
 * @param portalGroupTag 0 to 65535
 * @param relativeIdentifier relative port identifier, from 1 (SPC-4 7.8.15)
 */
public record TargetPort(String targetName, int portalGroupTag, int relativeIdentifier) {
  /** The transport's port name, {@code iqn...,t,0x0001}. */
  public String portName() {
    return targetName + ",t,0x" + String.format("%04x", portalGroupTag);
  }
}
