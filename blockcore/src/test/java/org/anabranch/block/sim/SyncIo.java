// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.nio.ByteBuffer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/** Requests one at a time, for tests that have nothing else to do meanwhile. */
public final class SyncIo {
  private final SimScheduler scheduler;
  private final BlockDevice device;
  private @Nullable IoError error;
  private boolean done;

  public SyncIo(SimScheduler scheduler, BlockDevice device) {
    this.scheduler = scheduler;
    this.device = device;
  }

  private interface Maker {
    Io make(IoCompletion done);
  }

  private @Nullable IoError run(Maker maker) {
    done = false;
    Io io =
        maker.make((ended, why) -> {
          error = why;
          done = true;
        });
    device.submit(io);
    scheduler.runUntil(() -> done, io + " to " + device.name());
    return error;
  }

  /** Fails the run on an error. */
  public void read(long sector, byte[] bytes, int offset, int length) {
    ByteBuffer data = ByteBuffer.allocate(length);
    check(run(done -> Io.read(sector, data, done)));
    data.get(bytes, offset, length);
  }

  /** Null for success. */
  public @Nullable IoError tryRead(long sector, ByteBuffer data) {
    return run(done -> Io.read(sector, data, done));
  }

  /** Null for success. */
  public @Nullable IoError tryWrite(long sector, ByteBuffer data, boolean fua) {
    return run(done -> Io.write(sector, data, fua, done));
  }

  /** Null for success. */
  public @Nullable IoError tryFlush() {
    return run(Io::flush);
  }

  private void check(@Nullable IoError why) {
    if (why != null) {
      throw new AssertionError(device.name() + ": " + why);
    }
  }
}
