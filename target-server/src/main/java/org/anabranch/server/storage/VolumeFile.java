// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import org.anabranch.config.FileSource;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file behind a volume, before anybody serves it.
 *
 * <dl>
 *   <dt>The file is absent?
 *   <dd>It is made with the configured size, sparse. Without a size: refused.
 *   <dt>It is shorter than configured?
 *   <dd>It is extended; what is new reads as zeros. A read-only volume's is refused instead.
 *   <dt>It is longer than configured?
 *   <dd>All of it is served: data is never cut off because of a number in a file.
 *   <dt>Its length is no whole number of blocks?
 *   <dd>The incomplete block at the end is not served.
 * </dl>
 */
public final class VolumeFile {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeFile.class);

  private VolumeFile() {}

  /** The file behind a volume. */
  public static Path path(VolumeConfig volume) {
    return switch (volume.source()) {
      case FileSource file -> file.path();
    };
  }

  /** How long the volume is or will be, in sectors, without touching anything. */
  static long sectors(VolumeConfig volume) throws RefusedException {
    Path path = path(volume);
    try {
      if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        if (volume.sectors() == 0) {
          throw refused(
              volume, path + " does not exist, and no size says how large to make it", null);
        }
        return volume.sectors();
      }
      if (Files.isDirectory(path)) {
        throw refused(volume, path + " is a folder", null);
      }
      long blockSectors = volume.blockSize() / 512;
      long existing = length(path) / 512 / blockSectors * blockSectors;
      long sectors = Math.max(existing, volume.sectors());
      if (sectors == 0) {
        throw refused(volume, path + " is empty, and no size says how large to make it", null);
      }
      if (existing < sectors && (volume.readOnly() || !Files.isRegularFile(path))) {
        throw refused(
            volume, path + " has " + existing + " sectors, less than the size of " + sectors, null);
      }
      return sectors;
    } catch (IOException e) {
      throw refused(volume, StateDirectory.reason(e), e);
    }
  }

  /** The length of a file or block device, bytes. */
  static long length(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      // A block device has no size in its inode, but an end that one can seek to.
      return Files.isRegularFile(path) ? channel.size() : seekEnd(path);
    }
  }

  private static long seekEnd(Path path) throws IOException {
    try (java.io.RandomAccessFile file = new java.io.RandomAccessFile(path.toFile(), "r")) {
      return file.length();
    }
  }

  /** Makes or extends the file as needed; its length in sectors afterwards. */
  static long prepare(VolumeConfig volume) throws RefusedException {
    long sectors = sectors(volume);
    Path path = path(volume);
    try {
      boolean made = !Files.exists(path);
      if (made || (Files.isRegularFile(path) && Files.size(path) < sectors * 512)) {
        extend(path, sectors * 512);
        LOG.info(
            "volume {}: {} {} with {} sectors",
            volume.name(),
            made ? "made" : "extended",
            path,
            sectors);
      } else if (volume.sectors() != 0 && sectors > volume.sectors()) {
        LOG.info(
            "volume {}: {} has {} sectors, more than the size of {}: all are served",
            volume.name(),
            path,
            sectors,
            volume.sectors());
      }
      return sectors;
    } catch (IOException e) {
      throw refused(volume, StateDirectory.reason(e), e);
    }
  }

  /** Gives a file a longer length, durably. What is new is a hole; a new file is its owner's. */
  static void extend(Path path, long bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      if (channel.size() < bytes) {
        // The channel has no call that only extends; a zero in the last byte costs one block.
        channel.write(ByteBuffer.allocate(1), bytes - 1);
        channel.force(true);
      }
    }
    DurableFile.syncFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()));
  }

  private static RefusedException refused(
      VolumeConfig volume, String reason, @org.jspecify.annotations.Nullable Exception cause) {
    String message = "volume " + volume.name() + ": " + reason;
    return cause == null ? new RefusedException(message) : new RefusedException(message, cause);
  }
}
