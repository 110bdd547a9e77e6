// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.VolumeImage.Capability;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long a volume is when it is opened.
 *
 * <dl>
 *   <dt>The image is absent?
 *   <dd>It is made with the configured size. Without a size: refused.
 *   <dt>It is shorter than configured?
 *   <dd>It is extended; what is new reads as zeros. Refused for a read-only volume and for an image
 *       that cannot be extended, such as a block device.
 *   <dt>It is longer than configured?
 *   <dd>All of it is served: data is never cut off because of a number in a file.
 *   <dt>Its length is no whole number of blocks?
 *   <dd>The incomplete block at the end is not served.
 * </dl>
 */
final class VolumeLength {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeLength.class);

  private VolumeLength() {}

  /** How long the volume is or will be, in sectors, without touching anything: looks once. */
  static long sectors(VolumeConfig volume, VolumeImage image) throws RefusedException {
    try {
      return sectors(volume, image, image.facts());
    } catch (IOException e) {
      throw refused(volume, StateDirectory.reason(e), e);
    }
  }

  /**
   * The same of what a look has found.
   *
   * @param found null when the image is absent; a link to it may be there
   */
  private static long sectors(VolumeConfig volume, VolumeImage image, @Nullable ImageFacts found)
      throws RefusedException, IOException {
    String address = volume.source().address();
    if (found == null) {
      if (image.exists()) {
        throw refused(
            volume,
            address + " is a link to nothing: put the image there, or remove the link",
            null);
      }
      if (volume.sectors() == 0) {
        throw refused(
            volume,
            address
                + " does not exist, and no size says how large to make it: give the volume a size,"
                + " or put its image there",
            null);
      }
      return volume.sectors();
    }
    long blockSectors = volume.blockSize() / 512;
    long existing = found.bytes() / 512 / blockSectors * blockSectors;
    long sectors = Math.max(existing, volume.sectors());
    if (sectors == 0) {
      throw refused(
          volume,
          address
              + " is empty, and no size says how large to make it: give the volume a size, or put"
              + " its image there",
          null);
    }
    if (existing < sectors
        && (volume.readOnly() || !image.capabilities().contains(Capability.EXTENDS))) {
      throw refused(
          volume,
          address
              + " has "
              + Sizes.exact(existing * 512)
              + ", less than the size of "
              + Sizes.exact(sectors * 512)
              + " that the configuration gives, and cannot be extended"
              + (volume.readOnly() ? " while it is read-only" : "")
              + ": lower the size, or put a whole image there",
          null);
    }
    return sectors;
  }

  /**
   * Makes or extends the image as needed; its length in sectors afterwards.
   *
   * @param found what a look at the image has found just now; null when it is absent
   */
  static long prepare(VolumeConfig volume, VolumeImage image, @Nullable ImageFacts found)
      throws RefusedException {
    String address = volume.source().address();
    try {
      long sectors = sectors(volume, image, found);
      long bytes = sectors * 512;
      if (found == null) {
        warnOfCost(volume, image.cost(bytes));
        image.make(bytes);
        LOG.info("volume {}: made {} with {} sectors", volume.name(), address, sectors);
      } else if (found.bytes() < bytes && image.capabilities().contains(Capability.EXTENDS)) {
        image.extend(bytes);
        LOG.info("volume {}: extended {} to {} sectors", volume.name(), address, sectors);
      } else if (volume.sectors() != 0 && sectors > volume.sectors()) {
        LOG.info(
            "volume {}: {} has {} sectors, more than the size of {}: all are served",
            volume.name(),
            address,
            sectors,
            volume.sectors());
      }
      return sectors;
    } catch (IOException e) {
      throw refused(volume, StateDirectory.reason(e), e);
    }
  }

  private static void warnOfCost(VolumeConfig volume, VolumeImage.Cost cost) {
    if (cost.later() > cost.free()) {
      LOG.warn(
          "volume {}: a new image can come to take {}, and {} are free where it is made; free space"
              + " there before it has filled",
          volume.name(),
          Sizes.bytes((double) cost.later()),
          Sizes.bytes((double) cost.free()));
    }
  }

  private static RefusedException refused(
      VolumeConfig volume, String reason, @Nullable Exception cause) {
    String message = "volume " + volume.name() + ": " + reason;
    return cause == null ? new RefusedException(message) : new RefusedException(message, cause);
  }
}
