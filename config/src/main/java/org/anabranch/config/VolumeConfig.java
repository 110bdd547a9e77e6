// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.file.Path;
import org.anabranch.config.source.FileSource;
import org.anabranch.config.source.VolumeSource;

/**
 * An image that is served as a disk.
 *
 * @param name unique among volumes and devices
 * @param source where the image is kept
 * @param sectors the least length of the image, in sectors of 512 bytes: an absent image is made, a
 *     shorter one extended. 0: as long as the image is, which must exist
 * @param blockSize the LUN's logical block, bytes: 512 or 4096
 * @param physicalBlockSize what smaller writes cost a read-modify-write, bytes; at least {@code
 *     blockSize}
 * @param readOnly initiators cannot write
 * @param removable the LUN reports a removable medium
 * @param identity serial number, NAA and names, as far as they are configured
 * @param limits how much initiators may do with it in a second
 */
public record VolumeConfig(
    String name,
    VolumeSource source,
    long sectors,
    int blockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean removable,
    IdentityConfig identity,
    VolumeLimits limits) {
  /** A volume without rate limits. */
  public VolumeConfig(
      String name,
      VolumeSource source,
      long sectors,
      int blockSize,
      int physicalBlockSize,
      boolean readOnly,
      boolean removable,
      IdentityConfig identity) {
    this(
        name,
        source,
        sectors,
        blockSize,
        physicalBlockSize,
        readOnly,
        removable,
        identity,
        VolumeLimits.NONE);
  }

  /** A volume whose identity is not configured. */
  public VolumeConfig(
      String name,
      VolumeSource source,
      long sectors,
      int blockSize,
      int physicalBlockSize,
      boolean readOnly,
      boolean removable) {
    this(
        name,
        source,
        sectors,
        blockSize,
        physicalBlockSize,
        readOnly,
        removable,
        IdentityConfig.NONE);
  }

  /**
   * A volume of a file that exists, as long as that is; identity and limits are not configured.
   *
   * @param file absolute and normalized
   */
  public static VolumeConfig ofFile(
      String name,
      Path file,
      int blockSize,
      int physicalBlockSize,
      boolean readOnly,
      boolean removable) {
    return new VolumeConfig(
        name, new FileSource(file), 0, blockSize, physicalBlockSize, readOnly, removable);
  }

  /** The same with other rate limits. */
  public VolumeConfig with(VolumeLimits otherLimits) {
    return new VolumeConfig(
        name,
        source,
        sectors,
        blockSize,
        physicalBlockSize,
        readOnly,
        removable,
        identity,
        otherLimits);
  }
}
