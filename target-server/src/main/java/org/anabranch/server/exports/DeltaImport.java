// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.anabranch.server.exports.DeltaFormat.Header;
import org.anabranch.server.exports.DeltaFormat.Piece;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;

/**
 * Applies a file of changed extents to an image that nobody else uses: a raw file or a block
 * device.
 *
 * <dl>
 *   <dt>What is checked before anything is written?
 *   <dd>The whole file: every checksum, order and place of its extents, and that it is complete.
 *       That the image has the length of the base, or that of the result, which an interrupted
 *       import leaves. That the image can be locked: a server that serves it holds the lock.
 *   <dt>What is not?
 *   <dd>What the image holds. Extents of a state applied to another state give a mixture.
 *   <dt>What if it is interrupted?
 *   <dd>The image is part old, part new; the same import again completes it.
 * </dl>
 *
 * One thread.
 */
public final class DeltaImport {
  private final Path file;
  private final Path image;

  /** The result: the bytes of all extents, and the length of the image. */
  public record Result(long changed, long bytes) {}

  /**
   * @param file as {@link Exports#delta} writes it
   * @param image that it is applied to
   */
  public DeltaImport(Path file, Path image) {
    this.file = file;
    this.image = image;
  }

  /**
   * Checks everything, then applies it; durable when this returns.
   *
   * @param progress receives the bytes of the file that were processed; the file is read twice, so
   *     the last value is twice its length
   */
  public Result run(LongConsumer progress) throws RefusedException {
    try {
      Header header = header();
      FileDevice device = FileDevice.open(image.toString(), image, FileOptions.DEFAULT);
      try {
        checkLength(device, header);
        long length = Files.size(file);
        read(progress, (record, data) -> {});
        if (device.sectors() * 512 < header.bytes()) {
          Stages.<@Nullable Void>await(image.toString(), device.resize(header.bytes() / 512));
        }
        return new Result(apply(device, done -> progress.accept(length + done)), header.bytes());
      } finally {
        Stages.<@Nullable Void>await(image.toString(), device.close());
      }
    } catch (DamagedException e) {
      throw new RefusedException(file + ": " + e.getMessage() + "; nothing was changed", e);
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }

  private Header header() throws IOException {
    try (ReadableByteChannel in = Files.newByteChannel(file)) {
      return Header.read(in);
    }
  }

  /** The bytes that changed. */
  private long apply(FileDevice device, LongConsumer progress)
      throws IOException, RefusedException {
    long[] changed = new long[1];
    read(
        progress,
        (record, data) -> {
          changed[0] += record.length();
          write(device, record, data);
        });
    await(device, Io::flush);
    return changed[0];
  }

  private void checkLength(FileDevice device, Header header) throws RefusedException {
    long bytes = device.sectors() * 512;
    if (bytes != header.baseBytes() && bytes != header.bytes()) {
      throw new RefusedException(
          image
              + " has "
              + bytes
              + " bytes, but "
              + file
              + " applies to an image of "
              + header.baseBytes()
              + " ("
              + header.text().replace('\n', ' ')
              + "); nothing was changed");
    }
  }

  /** Zeros become holes where the file system has them. */
  private void write(FileDevice device, Piece record, ByteBuffer data)
      throws IOException, RefusedException {
    long sector = record.offset() / 512;
    if (record.kind() == DeltaFormat.DATA) {
      await(device, done -> Io.write(sector, data, false, done));
    } else if (device.limits().discardZeroes()) {
      await(device, done -> Io.discard(sector, record.length() / 512, done));
    } else {
      await(device, done -> Io.writeZeroes(sector, record.length() / 512, false, done));
    }
  }

  private interface Request {
    Io with(IoCompletion done);
  }

  private void await(FileDevice device, Request request) throws RefusedException {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    device.submit(
        request.with((io, error) -> {
          if (error == null) {
            done.complete(true);
          } else {
            done.completeExceptionally(error.toException());
          }
        }));
    Stages.await(image.toString(), done);
  }

  /** Reads the file from beginning to end; each record is checked before the sink gets it. */
  private void read(LongConsumer progress, DeltaReader.Sink sink)
      throws IOException, RefusedException {
    try (ReadableByteChannel in =
        Channels.newChannel(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
      Header header = Header.read(in);
      new DeltaReader(in, header.bytes(), DeltaFormat.Place.NOWHERE).read(progress, sink);
    }
  }
}
