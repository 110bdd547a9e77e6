// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.rbd;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.rbd.RbdDevice;
import org.jspecify.annotations.Nullable;

/**
 * An image for a rehearsal: it is read, zeros behind its end, and writes are swallowed.
 *
 * @param image null where there is none: then all of it is zeros
 * @param isOurs whether the image is closed with this
 */
record RbdPreview(String name, @Nullable RbdDevice image, long sectors, boolean isOurs)
    implements BackingDevice {
  @Override
  public Object identity() {
    return image == null ? name : image.identity();
  }

  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public void submit(Io io) {
    if (io.end() > sectors) {
      io.complete(IoError.outOfRange(io, sectors));
    } else if (io.modifies() || io.op() == Io.Op.FLUSH) {
      io.complete(null);
    } else if (image != null && io.end() <= image.sectors()) {
      image.submit(io);
    } else if (io.op() == Io.Op.READ) {
      read(io);
    } else {
      io.answer(true, io.sectors());
      io.complete(null);
    }
  }

  private void read(Io io) {
    long there = image == null ? 0 : Math.max(0, image.sectors() - io.sector());
    ByteBuffer rest = io.data().duplicate();
    rest.position(rest.position() + (int) (there << 9));
    while (rest.hasRemaining()) {
      rest.put((byte) 0);
    }
    if (image == null || there == 0) {
      io.complete(null);
    } else {
      image.submit(io.slice(0, there, (part, error) -> io.complete(error)));
    }
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    return isOurs && image != null ? image.close() : CompletableFuture.completedFuture(null);
  }
}
