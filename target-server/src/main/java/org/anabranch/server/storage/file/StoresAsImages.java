// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.config.Configuration;
import org.anabranch.config.source.FileSource;
import org.anabranch.server.base.Warning;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Volumes whose image is the store of a snapshot, such as the COW volume of LVM2: it begins with
 * the magic of dm-snapshot. Served as a disk it would show the store, and a write would destroy it.
 */
public final class StoresAsImages {
  private static final Logger LOG = LoggerFactory.getLogger(StoresAsImages.class);

  /** File types in a mode, inode(7). */
  private static final int FILE_TYPE = 0xF000;

  private static final int REGULAR = 0x8000;
  private static final int BLOCK_DEVICE = 0x6000;

  private StoresAsImages() {}

  /** A warning for each such volume. An image that cannot be read is somebody else's business. */
  public static List<Warning> of(Configuration configuration) {
    List<Warning> warnings = new ArrayList<>();
    configuration
        .volumes()
        .forEach((name, volume) -> {
          if (volume.source() instanceof FileSource file && isStore(file.path())) {
            warnings.add(
                new Warning(
                    "volume " + name,
                    file.path()
                        + " is the store of a snapshot, as dmsetup and LVM2 make them (a COW volume), and"
                        + " no disk",
                    "serve the snapshot's origin as the volume, and take the snapshot over: anabranch"
                        + " snapshot adopt VOLUME@NAME --store "
                        + file.path()));
          }
        });
    return warnings;
  }

  private static boolean isStore(Path file) {
    ByteBuffer begin = ByteBuffer.allocate(StoreLayout.Header.BYTES);
    if (!canBeRead(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (begin.hasRemaining() && channel.read(begin, begin.position()) > 0) {}
    } catch (IOException e) {
      LOG.debug("{}: whether it is a store is not known: {}", file, e.toString());
      return false;
    }
    return !begin.hasRemaining()
        && StoreLayout.Header.read(begin.flip()).magic() == StoreLayout.MAGIC;
  }

  /** A regular file or a block device: to open a FIFO could take forever. */
  private static boolean canBeRead(Path file) {
    try {
      int type = (int) Files.getAttribute(file, "unix:mode") & FILE_TYPE;
      return type == REGULAR || type == BLOCK_DEVICE;
    } catch (IOException | UnsupportedOperationException e) {
      LOG.debug("{}: whether it is a store is not known: {}", file, e.toString());
      return false;
    }
  }
}
