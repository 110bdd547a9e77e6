// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/**
 * An I_T nexus: one session of an initiator port with a target port. Compared by identity: a
 * session that replaces another of the same name is another nexus.
 */
public abstract class Nexus {
  private final InitiatorPort initiator;
  private final TargetPort port;
  private final Registrant registrant;

  protected Nexus(InitiatorPort initiator, TargetPort port) {
    this.initiator = initiator;
    this.port = port;
    registrant = new Registrant(initiator.portName(), port.relativeIdentifier());
  }

  public InitiatorPort initiator() {
    return initiator;
  }

  public TargetPort port() {
    return port;
  }

  /** The name by which persistent reservations identify this nexus. */
  public Registrant registrant() {
    return registrant;
  }

  @Override
  public String toString() {
    return initiator.portName() + " at " + port.portName();
  }
}
