// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.anabranch.block.file.Reflink;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.VolumeTable;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * A copy of a snapshot that shares blocks with the image of its volume, where the file system can
 * share them: it takes no time and no space for what did not change since the snapshot was taken.
 *
 * <pre>
 *   1  the new image shares each range of the volume's image, as that is at that moment
 *   2  what the snapshot's store has by then is copied from the snapshot over it
 * </pre>
 *
 * <dl>
 *   <dt>What if the volume is written meanwhile?
 *   <dd>A write to the volume is held back until the snapshot's store has what was there before. So
 *       whatever step 1 has got of such a write, step 2 finds in the store, which it reads later.
 *       What is not in the store then is as it was when the snapshot was taken.
 *   <dt>How long do writes to the volume wait for step 1?
 *   <dd>For one range of {@value #RANGE} bytes at most, which the file system shares in
 *       milliseconds.
 *   <dt>When is nothing shared?
 *   <dd>When the volume's image is not a regular file, is on another file system than the new one
 *       or on one that cannot share, is shorter than the snapshot, or when the volume has a table
 *       that is not the server's own. Then all of the snapshot is copied.
 * </dl>
 */
final class SharedCopy {
  private static final long RANGE = 256L << 20;
  private static final int BLOCK = 4096;

  /** Hears how far it is; ends it by an exception. */
  interface Listener {
    void at(long done) throws RefusedException, ClientGoneException;
  }

  private final Storage storage;
  private final LiveConfiguration live;

  SharedCopy(Storage storage, LiveConfiguration live) {
    this.storage = storage;
    this.live = live;
  }

  /**
   * Makes the copy.
   *
   * @param snapshot which cannot go meanwhile
   * @param path of the new image, which is empty
   * @param out the same, open
   * @return bytes that were copied, and not shared; -1: nothing can be shared, and nothing was done
   */
  long run(Readers.Reading snapshot, Path path, FileChannel out, Listener progress)
      throws RefusedException, ClientGoneException, IOException {
    long bytes = snapshot.device().sectors() * 512;
    Path image = image(snapshot, bytes);
    if (image == null) {
      return -1;
    }
    try (Reflink link = Reflink.open(image, path)) {
      if (link == null) {
        return -1;
      }
      for (long at = 0; at < bytes; at += RANGE) {
        progress.at(at / 2);
        if (!shared(link, at, Math.min(RANGE, bytes - at))) {
          if (at == 0) {
            return -1;
          }
          throw new IOException(path + " can share only a part of " + image);
        }
      }
      out.truncate(bytes);
      return overwrite(snapshot, link, out, progress);
    }
  }

  /** An end that is within a block of the file system must be the file's. */
  private static boolean shared(Reflink link, long at, long length) throws IOException {
    return link.share(at, length) || link.share(at, 0);
  }

  /** The volume's image, if blocks of it can be the snapshot's. */
  private @Nullable Path image(Readers.Reading snapshot, long bytes) throws IOException {
    VolumeConfig volume = live.served(snapshot.snapshot().volume());
    if (volume == null || VolumeTable.isForeign(storage, volume)) {
      return null;
    }
    Path file = storage.image(volume).file();
    return file != null && storage.image(volume).bytes() >= bytes ? file : null;
  }

  private long overwrite(Readers.Reading snapshot, Reflink link, FileChannel out, Listener progress)
      throws RefusedException, ClientGoneException, IOException {
    long bytes = snapshot.device().sectors() * 512;
    long[] copied = new long[1];
    DeviceReads reads =
        new DeviceReads(
            snapshot.device(),
            (offset, data) -> {
              try {
                copied[0] += store(link, out, data, offset);
              } catch (IOException e) {
                throw new RefusedException("the copy cannot be written: " + e.getMessage(), e);
              }
              progress.at(bytes / 2 + (offset + data.limit()) / 2);
            });
    try {
      ChangedExtents extents = new ChangedExtents(storage.mapper(), snapshot.snapshot(), null, 0);
      for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
        reads.read(extent);
      }
      reads.finish();
    } finally {
      reads.abandon();
    }
    return copied[0];
  }

  /** Writes what is not zero, and makes holes for the rest; how many bytes were written. */
  private static long store(Reflink link, FileChannel out, ByteBuffer data, long offset)
      throws IOException {
    long stored = 0;
    int end = data.limit();
    for (int from = 0; from < end; ) {
      boolean isZero = Zeros.at(data, from, unit(from, end));
      int to = from + unit(from, end);
      while (to < end && Zeros.at(data, to, unit(to, end)) == isZero) {
        to += unit(to, end);
      }
      if (isZero) {
        link.punch(offset + from, to - from);
      } else {
        TargetFile.write(out, data.slice(from, to - from), offset + from);
        stored += to - from;
      }
      from = to;
    }
    return stored;
  }

  private static int unit(int from, int end) {
    return Math.min(BLOCK, end - from);
  }
}
