// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/**
 * What {@code dmsetup info} shows of a device.
 *
 * @param name the device's name
 * @param suspended whether requests are deferred
 * @param live whether there is a live table
 * @param inactive whether a table is loaded for the next resume
 * @param openCount how many tables and other users hold the device open
 * @param eventNumber how many events its targets have raised
 * @param minor the device's number, the lowest free one when it was created; no device node has it
 * @param targets number of targets in the live table
 * @param readOnly whether writes fail since it was created read-only
 */
public record DeviceInfo(
    String name,
    boolean suspended,
    boolean live,
    boolean inactive,
    int openCount,
    long eventNumber,
    int minor,
    int targets,
    boolean readOnly) {
  /** The major number that device-mapper usually has on Linux; fixed here. */
  public static final int MAJOR = 253;

  /** The lines that {@code dmsetup info} prints. There is no read-ahead here. */
  public String text() {
    String tables =
        live && inactive ? "LIVE & INACTIVE" : live ? "LIVE" : inactive ? "INACTIVE" : "None";
    return """
    Name:              %s
    State:             %s%s
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
            readOnly ? " (READ-ONLY)" : "",
            tables,
            openCount,
            eventNumber,
            MAJOR,
            minor,
            targets);
  }
}
