// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.scsi.data.UnitIdentity;

/**
 * What an administrator decides about a logical unit.
 *
 * @param identity what it is called
 * @param blockSize logical block, bytes: 512 or 4096
 * @param physicalBlockSize bytes, a power of two and a multiple of {@code blockSize}, for alignment
 * @param readOnly every write is refused
 * @param removable the medium can be ejected
 * @param thin logical block provisioning management (SBC-3 4.7.3): UNMAP gives space back, and GET
 *     LBA STATUS tells what is not allocated, as far as the device does these
 */
public record UnitProperties(
    UnitIdentity identity,
    int blockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean removable,
    boolean thin) {

  public UnitProperties {
    if (blockSize != 512 && blockSize != 4096) {
      throw new IllegalArgumentException("block size " + blockSize + ": 512 or 4096");
    }
    if (physicalBlockSize < blockSize
        || Integer.bitCount(physicalBlockSize) != 1
        || physicalBlockSize > blockSize << 15) {
      throw new IllegalArgumentException("physical block size " + physicalBlockSize);
    }
  }

  /** A writable, fixed, thin disk of 512-byte blocks. */
  public static UnitProperties disk(UnitIdentity identity) {
    return new UnitProperties(identity, 512, 512, false, false, true);
  }
}
