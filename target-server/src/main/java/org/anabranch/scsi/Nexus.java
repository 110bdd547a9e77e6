// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

/**
 * An I_T nexus: one session of an initiator port with a target port. Compared by identity: a
 * session that replaces another of the same name is another nexus.
 */
public final class Nexus {
  private final InitiatorPort initiator;
  private final TargetPort port;
  private final NexusListener listener;

  Nexus(InitiatorPort initiator, TargetPort port, NexusListener listener) {
    this.initiator = initiator;
    this.port = port;
    this.listener = listener;
  }

  public InitiatorPort initiator() {
    return initiator;
  }

  public TargetPort port() {
    return port;
  }

  NexusListener listener() {
    return listener;
  }

  @Override
  public String toString() {
    return initiator.portName() + " at " + port.portName();
  }
}
