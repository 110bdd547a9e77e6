// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * {@code volume-defaults}: what a volume has unless it says otherwise, whether the file or a
 * command made it.
 *
 * @param blockSize the LUN's logical block, bytes: 512 or 4096
 * @param physicalBlockSize what smaller writes cost a read-modify-write, bytes; a volume whose
 *     {@code blockSize} is larger has that instead
 * @param readOnly initiators cannot write
 * @param removable the LUN reports a removable medium
 * @param limits how much initiators may do with each volume in a second
 */
public record VolumeDefaults(
    int blockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean removable,
    VolumeLimits limits) {}
