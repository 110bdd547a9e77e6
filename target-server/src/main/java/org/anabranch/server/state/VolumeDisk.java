// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

/**
 * What hosts see of a volume that was made at run time. It is decided when the volume is made, by
 * the command or by {@code volume-defaults}, and stays: a disk does not change its block size.
 *
 * @param blockSize the LUN's logical block, bytes: 512 or 4096
 * @param physicalBlockSize what smaller writes cost a read-modify-write, bytes
 * @param readOnly initiators cannot write
 * @param removable the LUN reports a removable medium
 */
public record VolumeDisk(
    int blockSize, int physicalBlockSize, boolean readOnly, boolean removable) {}
