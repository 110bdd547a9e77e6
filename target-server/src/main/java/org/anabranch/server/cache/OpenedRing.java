// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.block.cache.BootId;
import org.anabranch.block.cache.Ring;
import org.anabranch.block.cache.RingFile;
import org.anabranch.config.WriteCacheConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ring's file as a server finds it at its start.
 *
 * @param on whether new writes are cached
 * @param file null if there is no ring
 * @param problem why no write is cached though the configuration says so; null if that is not so
 */
record OpenedRing(boolean on, @Nullable RingFile file, @Nullable Warning problem) {
  private static final Logger LOG = LoggerFactory.getLogger(OpenedRing.class);

  /** The name of the ring's file in the state directory. */
  private static final String FILE = "write-cache";

  private static final String REMEDY =
      "set write-cache.path to a file on a file system that is suitable and has the space, such as"
          + " a tmpfs, and restart";

  /** The ring's file. */
  static Path path(WriteCacheConfig config, Path stateFolder) {
    Path configured = config.path();
    return configured == null ? stateFolder.resolve(FILE) : configured;
  }

  /** See {@link WriteCaches#open}. */
  static OpenedRing open(WriteCacheConfig config, Path stateFolder) throws RefusedException {
    Path path = path(config, stateFolder);
    String type = config.size() > 0 ? RingFile.unsuitable(path) : null;
    Warning problem = type == null ? null : warning(path + ": it cannot be on " + type);
    boolean on = config.size() > 0 && type == null;
    boolean there = Files.exists(path);
    if (!on && !there) {
      return new OpenedRing(false, null, problem);
    }
    try {
      int segments = on ? (int) (config.size() / Ring.SEGMENT_BYTES) : 1;
      RingFile file = RingFile.open(path, segments, BootId.current());
      String discarded = file.ring().discarded();
      if (discarded != null) {
        LOG.info("write cache {}: what was in it is discarded: {}", path, discarded);
      }
      if (!on && file.ring().isEmpty()) {
        file.delete();
        return new OpenedRing(false, null, problem);
      }
      return new OpenedRing(on, file, problem);
    } catch (IOException e) {
      if (there) {
        throw new RefusedException(
            "write-cache: the write cache's ring cannot be opened: " + e.getMessage(), e);
      }
      return new OpenedRing(false, null, warning(String.valueOf(e.getMessage())));
    }
  }

  private static Warning warning(String reason) {
    String text = "the write cache's ring cannot be opened: " + reason + ", so no write is cached";
    LOG.error("{}", text);
    return new Warning("write cache", text, REMEDY);
  }

  /** Gives the ring back; its devices have been removed. */
  static void close(RingFile file) {
    try {
      if (file.ring().isEmpty()) {
        file.delete();
      } else {
        LOG.warn(
            "write cache {}: acknowledged writes are left in it for the next start", file.path());
        file.close();
      }
    } catch (IOException e) {
      LOG.error("write cache {}: {}", file.path(), e.toString());
    }
  }
}
