// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

/**
 * An I_T nexus: one session of an initiator port with a target port. Compared by identity: a
 * session that replaces another of the same name is another nexus.
 */
public final class Nexus {
  private final InitiatorPort initiator;
  private final TargetPort port;
  private final TargetDevice device;
  private final Registrant registrant;

  /** What this initiator sees; replaced by the device when its LUNs change. */
  private volatile LunView view = LunView.EMPTY;

  Nexus(TargetDevice device, InitiatorPort initiator, TargetPort port) {
    this.device = device;
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

  /** What persistent reservations know it by. */
  Registrant registrant() {
    return registrant;
  }

  TargetDevice device() {
    return device;
  }

  LunView view() {
    return view;
  }

  void view(LunView newView) {
    view = newView;
  }

  @Override
  public String toString() {
    return initiator.portName() + " at " + port.portName();
  }
}
