// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/**
 * An I_T nexus as persistent reservations know it: by names, so that it outlives the session.
 *
 * @param initiatorPort port name, {@code iqn...,i,0x0123456789ab}
 * @param targetPort relative port identifier
 */
public record Registrant(String initiatorPort, int targetPort) {}
