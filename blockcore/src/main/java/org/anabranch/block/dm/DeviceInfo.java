// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/**
 * What {@code dmsetup info} tells of a device.
 *
 * @param name the device's name
 * @param suspended whether requests wait instead of flowing
 * @param live whether there is a live table
 * @param inactive whether a table is loaded for the next resume
 * @param openCount how many tables and others hold the device open
 * @param eventNumber how many events its targets have raised
 * @param targets lines of the live table
 */
public record DeviceInfo(
    String name,
    boolean suspended,
    boolean live,
    boolean inactive,
    int openCount,
    long eventNumber,
    int targets) {

  /** The lines that dmsetup prints, as far as they mean something here. */
  public String text() {
    String tables =
        live && inactive ? "LIVE & INACTIVE" : live ? "LIVE" : inactive ? "INACTIVE" : "None";
    return """
    Name:              %s
    State:             %s
    Tables present:    %s
    Open count:        %d
    Event number:      %d
    Number of targets: %d
    """
        .formatted(
            name, suspended ? "SUSPENDED" : "ACTIVE", tables, openCount, eventNumber, targets);
  }
}
