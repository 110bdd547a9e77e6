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
 * @param minor its number: the lowest that was free when it was made; no node has it
 * @param targets lines of the live table
 */
public record DeviceInfo(
    String name,
    boolean suspended,
    boolean live,
    boolean inactive,
    int openCount,
    long eventNumber,
    int minor,
    int targets) {
  /** What Linux gives device-mapper nearly everywhere; here all devices have it. */
  public static final int MAJOR = 253;

  /** The lines that dmsetup prints; nothing is read ahead here. */
  public String text() {
    String tables =
        live && inactive ? "LIVE & INACTIVE" : live ? "LIVE" : inactive ? "INACTIVE" : "None";
    return """
    Name:              %s
    State:             %s
    Read Ahead:        0
    Tables present:    %s
    Open count:        %d
    Event number:      %d
    Major, minor:      %d, %d
    Number of targets: %d

    """
        .formatted(
            name,
            suspended ? "SUSPENDED" : "ACTIVE",
            tables,
            openCount,
            eventNumber,
            MAJOR,
            minor,
            targets);
  }
}
