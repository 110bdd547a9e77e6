// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/** Copies sectors between devices through a limited pool of buffers. Any thread. */
final class Copier {
  /** Called at the end of a copy, without a lock; both arguments are null on success. */
  interface Done {
    void copied(@Nullable IoError readError, @Nullable IoError writeError);
  }

  private final BufferPool pool;

  Copier(BufferPool pool) {
    this.pool = pool;
  }

  /** Copies {@code sectors} sectors, one buffer at a time. */
  void copy(
      BlockDevice from, long fromSector, BlockDevice to, long toSector, long sectors, Done done) {
    if (sectors <= 0) {
      done.copied(null, null);
      return;
    }
    int bytes = (int) Math.min(sectors << 9, pool.largest());
    pool.acquire(
        bytes,
        lease ->
            from.submit(
                Io.read(
                    fromSector,
                    lease.data(),
                    (read, readError) -> {
                      if (readError != null) {
                        pool.release(lease);
                        done.copied(readError, null);
                        return;
                      }
                      to.submit(
                          Io.write(
                              toSector,
                              lease.data(),
                              false,
                              (write, writeError) -> {
                                pool.release(lease);
                                if (writeError != null) {
                                  done.copied(null, writeError);
                                  return;
                                }
                                long copied = bytes >> 9;
                                copy(
                                    from,
                                    fromSector + copied,
                                    to,
                                    toSector + copied,
                                    sectors - copied,
                                    done);
                              }));
                    })));
  }
}
