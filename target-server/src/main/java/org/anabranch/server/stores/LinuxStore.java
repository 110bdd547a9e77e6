// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.block.store.StoreReport;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;

/**
 * A COW store that dm-snapshot wrote, in Linux or under LVM2: the file or block device of its COW
 * volume. It is opened read-only and locked until it is closed, so no server writes to it
 * meanwhile. One thread at a time.
 */
public final class LinuxStore implements AutoCloseable {
  /** Bytes that are read at once. */
  private static final int PIECE = 1 << 20;

  /** Bytes of zeros that become a hole in a copy. */
  private static final int HOLE = 1 << 16;

  private static final ByteBuffer ZEROS = ByteBuffer.allocate(HOLE).asReadOnlyBuffer();

  private final Path file;
  private final BackingDevice device;
  private final StoreReport report;
  private final StoreLayout layout;

  private LinuxStore(Path file, BackingDevice device, StoreReport report, StoreLayout layout) {
    this.file = file;
    this.device = device;
    this.report = report;
    this.layout = layout;
  }

  /**
   * Opens and checks a store.
   *
   * @param own the server's state directory: what is in there is the server's already
   * @param originSectors length of the volume in sectors of 512 bytes; no exception may be beyond
   *     it
   * @throws RefusedException if it is in use, or is not a valid store of a snapshot of such a
   *     volume; with the first thing that is wrong
   */
  public static LinuxStore open(Path file, Path own, long originSectors) throws RefusedException {
    if (StateDirectory.owns(own, file)) {
      throw new RefusedException(
          file + " is in the server's state directory; name a store that is not the server's");
    }
    BackingDevice device;
    try {
      device = FileDevice.open(file.toString(), file, FileOptions.DEFAULT.withReadOnly(true));
    } catch (IOException e) {
      throw new RefusedException("store " + StateDirectory.reason(e), e);
    }
    try {
      StoreReport report = Stages.await(file.toString(), StoreReport.read(device, originSectors));
      return new LinuxStore(file, device, report, checked(file, report));
    } catch (RefusedException | RuntimeException e) {
      closeAfter(file, device, e);
      throw e;
    }
  }

  private static StoreLayout checked(Path file, StoreReport report) throws RefusedException {
    if (report.header().magic() == 0) {
      throw new RefusedException(file + " is not a snapshot's store: it begins with zeros");
    }
    StoreLayout layout = report.layout();
    if (layout != null && report.header().valid() == 0) {
      throw new RefusedException(
          file
              + " is invalid (valid is 0 in its header): the snapshot was given up when its store"
              + " was full or failed, and what it lacks is lost");
    }
    if (!report.sound() || layout == null) {
      throw new RefusedException(
          file
              + " is not a store that can be used: "
              + report.problems().getFirst()
              + "; see anabranch cow check");
    }
    return layout;
  }

  /** In sectors of 512 bytes. */
  public int chunkSectors() {
    return layout.chunkSectors();
  }

  /** The number of chunks that the snapshot has of its own. */
  public long exceptions() {
    return report.exceptions();
  }

  /**
   * Where the part in use ends, in bytes. What follows has no meaning, such as a disk's old data.
   */
  public long usedBytes() {
    long chunks = layout.areaChunk(report.areas() - 1) + 1;
    long listed = 0;
    for (StoreReport.Run run : report.runs()) {
      chunks = Math.max(chunks, run.newChunk() + run.count());
      listed += run.count();
    }
    long all = device.sectors() * 512;
    return listed < report.exceptions() ? all : Math.min(all, layout.sector(chunks) * 512);
  }

  /**
   * Copies what is in use to a file that reads as zeros, at the same place; zeros become holes.
   *
   * @throws IOException if the file cannot be written
   * @throws RefusedException if the store cannot be read
   */
  public void copyTo(FileChannel copy) throws IOException, RefusedException {
    long end = usedBytes();
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    for (long at = 0; at < end; at += PIECE) {
      int bytes = (int) Math.min(PIECE, end - at);
      read(at, piece.clear().limit(bytes));
      for (int from = 0; from < bytes; from += HOLE) {
        ByteBuffer part = piece.slice(from, Math.min(HOLE, bytes - from));
        if (part.mismatch(ZEROS.slice(0, part.remaining())) >= 0) {
          for (long to = at + from; part.hasRemaining(); ) {
            to += copy.write(part, to);
          }
        }
      }
    }
  }

  private void read(long at, ByteBuffer into) throws RefusedException {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    device.submit(
        Io.read(
            at / 512,
            into,
            (io, error) -> {
              if (error == null) {
                done.complete(null);
              } else {
                done.completeExceptionally(error.toException());
              }
            }));
    Stages.<@Nullable Void>await(file.toString(), done);
    into.rewind();
  }

  private static void closeAfter(Path file, BackingDevice device, Exception reason) {
    try {
      Stages.<@Nullable Void>await(file.toString(), device.close());
    } catch (RefusedException e) {
      reason.addSuppressed(e);
    }
  }

  @Override
  public void close() throws RefusedException {
    Stages.<@Nullable Void>await(file.toString(), device.close());
  }
}
