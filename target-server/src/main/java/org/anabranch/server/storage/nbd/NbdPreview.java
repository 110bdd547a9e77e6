// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.nbd;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.nbd.NbdDevice;
import org.jspecify.annotations.Nullable;

/**
 * An export for a rehearsal: it is read, and writes are swallowed.
 *
 * @param sectors its length, no more than the export's
 * @param isOurs whether the connection is closed with this
 */
record NbdPreview(NbdDevice export, long sectors, boolean isOurs) implements BackingDevice {
  @Override
  public String name() {
    return export.name();
  }

  @Override
  public Object identity() {
    return export.identity();
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
    } else {
      export.submit(io);
    }
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    return isOurs ? export.close() : CompletableFuture.completedFuture(null);
  }
}
