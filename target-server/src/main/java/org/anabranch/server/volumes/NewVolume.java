// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.nio.file.Path;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * What a new volume is to be: empty with a size, a copy of a snapshot, or an image that is there.
 *
 * @param name of 1 to 64 letters, digits, '.', '_', '+' and '-'
 * @param bytes its size; null for a copy, and for an image that is there
 * @param from {@code VOLUME@SNAPSHOT}, whose contents it gets; null for none
 * @param path of its image, absolute; null: NAME.img in the folder for images
 * @param blockSize 512 or 4096; null: as the volume that it is a copy of, otherwise as {@code
 *     volume-defaults} says
 * @param physicalBlockSize a power of two from 512 to 65536, at least the block size; null: as the
 *     volume that it is a copy of, otherwise as {@code volume-defaults} says, or the block size if
 *     that is larger
 * @param readOnly whether initiators cannot write; null: as {@code volume-defaults} says
 * @param removable whether the LUN reports a removable medium; null: as {@code volume-defaults}
 *     says
 */
public record NewVolume(
    String name,
    @Nullable Long bytes,
    @Nullable String from,
    @Nullable Path path,
    @Nullable Integer blockSize,
    @Nullable Integer physicalBlockSize,
    @Nullable Boolean readOnly,
    @Nullable Boolean removable) {
  /** The largest volume, bytes. */
  private static final long MAX_BYTES = 8L << 50;

  private static final int MAX_PHYSICAL = 65536;

  /** An empty one; what is not given is as in {@code volume-defaults}. */
  public static NewVolume empty(String name, long bytes, @Nullable Integer blockSize) {
    return new NewVolume(name, bytes, null, null, blockSize, null, null, null);
  }

  /** An empty one that a stream is to be written to: it is not read-only, whatever is usual. */
  static NewVolume ofStream(String name, long bytes, int blockSize) {
    return new NewVolume(name, bytes, null, null, blockSize, null, false, null);
  }

  /** A copy of a snapshot. */
  public static NewVolume copyOf(String snapshot, String name) {
    return new NewVolume(name, null, snapshot, null, null, null, null, null);
  }

  /** Refuses what contradicts itself, whatever there is. */
  void check() throws RefusedException {
    checkName(name);
    if (bytes != null && from != null) {
      throw refused("a size or a snapshot that it is a copy of, not both");
    }
    if (bytes == null && from == null && path == null) {
      throw refused(
          "give --size for an empty one, --from VOLUME@NAME for a copy of a snapshot, or --path for an"
              + " existing image");
    }
    if (from != null && from.indexOf('@') <= 0) {
      throw refused(
          "a volume that is in use changes while it is copied: take a snapshot and copy that, with"
              + " snapshot create "
              + from
              + "@NAME and --from "
              + from
              + "@NAME");
    }
    if (path != null && (!path.isAbsolute() || path.getFileName() == null)) {
      throw refused("not the absolute path of a file: " + path);
    }
    if (blockSize != null && blockSize != 512 && blockSize != 4096) {
      throw refused("block size of " + blockSize + "; allowed are 512 and 4096");
    }
    if (bytes != null && (bytes <= 0 || bytes > MAX_BYTES)) {
      throw refused("a size of " + bytes + " bytes");
    }
  }

  /** Refuses what can't be a volume's name. */
  static void checkName(String name) throws RefusedException {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")) {
      throw new RefusedException(
          "not a volume's name: \""
              + name
              + "\"; allowed are 1 to 64 letters, digits, '.', '_', '+' and '-', the first one a"
              + " letter or digit");
    }
  }

  /** Refuses block sizes that do not fit each other or the size of the volume. */
  void checkBlocks(long sizeInBytes, int block, int physical) throws RefusedException {
    if (physical < block || physical > MAX_PHYSICAL || Integer.bitCount(physical) != 1) {
      throw refused(
          "physical block size of "
              + physical
              + "; allowed are powers of two from the block size, "
              + block
              + ", to "
              + MAX_PHYSICAL);
    }
    if (sizeInBytes % block != 0) {
      throw refused(sizeInBytes + " bytes are no whole number of blocks of " + block + " bytes");
    }
  }

  RefusedException refused(String reason) {
    return new RefusedException("volume " + name + ": " + reason);
  }
}
