// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * A file's contents for reading; zeros are read behind its end and when it is absent. Writes are
 * swallowed. The file is opened for each read, on the caller's thread.
 */
record FilePreview(Path file, Object identity, long sectors) implements BackingDevice {
  @Override
  public String name() {
    return file.toString();
  }

  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public void submit(Io io) {
    if (io.end() > sectors) {
      io.complete(IoError.outOfRange(io, sectors));
      return;
    }
    if (io.op() == Io.Op.BLOCK_STATUS) {
      io.answer(true, io.sectors());
    }
    io.complete(io.op() == Io.Op.READ ? read(io) : null);
  }

  private @Nullable IoError read(Io io) {
    ByteBuffer into = io.data().duplicate();
    long offset = io.sector() * 512;
    try {
      if (Files.isReadable(file) && !Files.isDirectory(file)) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          int count;
          while (into.hasRemaining() && (count = channel.read(into, offset)) > 0) {
            offset += count;
          }
        }
      }
    } catch (IOException e) {
      return IoError.io(io.sector(), file + " cannot be read: " + e.getMessage(), e);
    }
    while (into.hasRemaining()) {
      into.put((byte) 0);
    }
    return null;
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    return CompletableFuture.completedFuture(null);
  }
}
