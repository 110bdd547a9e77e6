// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.file.Path;

/**
 * A file that is served as a disk.
 *
 * @param name unique among volumes and devices
 * @param path the file; absolute
 * @param sectors how long it must be at least, in sectors of 512 bytes: an absent file is made
 *     sparse, a shorter one extended. 0: as long as the file is, which must exist.
 * @param blockSize the LUN's logical block, bytes: 512 or 4096
 * @param physicalBlockSize what smaller writes cost a read-modify-write, bytes; at least {@code
 *     blockSize}
 * @param readOnly initiators cannot write
 * @param removable the LUN says that its medium can be removed
 * @param identity what the disk is called, where that is set
 */
public record VolumeConfig(
    String name,
    Path path,
    long sectors,
    int blockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean removable,
    IdentityConfig identity) {
  /** A volume that is called what the server finds for it. */
  public VolumeConfig(
      String name,
      Path path,
      long sectors,
      int blockSize,
      int physicalBlockSize,
      boolean readOnly,
      boolean removable) {
    this(
        name,
        path,
        sectors,
        blockSize,
        physicalBlockSize,
        readOnly,
        removable,
        IdentityConfig.NONE);
  }
}
