// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.base.Warning;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;

/**
 * A kind of place for the images of volumes, such as the files of this machine. It knows how an
 * image is made, opened, measured and recognised; what happens to a volume whose image is missing
 * or another one is decided above, in the same way for all backends.
 *
 * <p>Device tables name an image by its address ({@link VolumeSource#address}). A backend opens the
 * addresses that it {@link #owns}, also those that are no volume's image.
 *
 * <p>Any thread; every call may wait for what is behind the backend.
 */
public interface VolumeBackend extends PathOpener {
  /** Tells which server this is, before anything is opened; it stays the same over restarts. */
  default void servedBy(String serverId) {}

  /** Whether images of this source are kept here. */
  boolean keeps(VolumeSource source);

  /** Whether an address in a table means something that is kept here. */
  boolean owns(String address);

  /**
   * The image of a volume, which may be absent. Nothing is opened or changed.
   *
   * @param volume its source is one that is kept here
   */
  VolumeImage image(VolumeConfig volume);

  /**
   * Like {@link #identity}, also of an address at which there is nothing yet: equal for two
   * addresses if, and only if, they would lead to the same image.
   */
  Object place(String address);

  /**
   * What is at an address, for reading only, without a lock and beside whoever has it open. Writes
   * are swallowed. Zeros are read behind its end and where it is absent.
   *
   * @param sectors how long the device is to be; {@link #AS_IT_IS} for the image's own length
   * @throws IOException when it is absent and its own length was asked for
   */
  BackingDevice preview(String address, long sectors) throws IOException;

  /** For {@link #preview}. */
  long AS_IT_IS = -1;

  /** Whether there is anything at an address. */
  boolean exists(String address);

  /** What is at an address, in warnings: {@code image rbd:pool/vm1}. */
  default String subject(String address) {
    return "image " + address;
  }

  /** The image that a store of snapshots at an address belongs to; null when it is none of one. */
  default @Nullable SharedImage ownerOf(String address) {
    return null;
  }

  /** Whether a file of this machine is the image at an address; also when it is absent now. */
  default boolean isFile(String address, Path file) {
    return false;
  }

  /**
   * Warnings about the room that open devices may need and do not have yet.
   *
   * @param sparse devices that are {@link BackingDevice#isSparse}, by address, all kept here
   * @param warnBelow the least free bytes that raise no warning
   */
  default List<Warning> spaceWarnings(Map<String, BackingDevice> sparse, long warnBelow) {
    return List.of();
  }
}
