// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/** A request on one of the file's threads, where it may block. */
final class FileWork implements Runnable {
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(1 << 18).asReadOnlyBuffer();

  private final FileDevice device;
  private final Io io;
  private final long begun = System.nanoTime();

  /** Bytes of the read or write that are done. */
  private long done;

  FileWork(FileDevice device, Io io, long done) {
    this.device = device;
    this.io = io;
    this.done = done;
  }

  Io io() {
    return io;
  }

  @Override
  public void run() {
    IoError error = work();
    device.note(io, error);
    device.endThreaded(io, error, System.nanoTime() - begun);
  }

  private @Nullable IoError work() {
    try {
      IoError harm = io.modifies() ? device.look() : null;
      if (harm != null) {
        return harm;
      }
      switch (io.op()) {
        case READ -> read();
        case WRITE -> {
          return write();
        }
        case DISCARD -> discard();
        case WRITE_ZEROES -> {
          return writeZeroes();
        }
        case BLOCK_STATUS -> status();
        case FLUSH -> throw new AssertionError("flushes go another way");
      }
      return null;
    } catch (IOException e) {
      return device.failed(io, io.sector() + (done >> 9), e);
    }
  }

  private long begin() {
    return io.sector() << 9;
  }

  private long length() {
    return io.sectors() << 9;
  }

  private ByteBuffer rest() {
    ByteBuffer data = io.data();
    return done == 0 ? data : data.duplicate().position(data.position() + (int) done);
  }

  private void read() throws IOException {
    while (done < length()) {
      int count = device.file().read(rest(), begin() + done);
      if (count == 0) {
        throw device.endsEarly();
      }
      done += count;
    }
    if (device.isCutBefore(begin() + length())) { // even if it grew again since
      throw device.endsEarly();
    }
  }

  private @Nullable IoError write() throws IOException {
    while (done < length()) {
      try {
        done += device.file().write(rest(), begin() + done, io.fua());
      } catch (IOException e) {
        if (io.fua() && FileError.kindOf(e) == IoError.Kind.IO) {
          return device.lost(e);
        }
        throw e;
      }
    }
    return null;
  }

  private void discard() throws IOException {
    try {
      device.file().punchHole(begin(), length());
    } catch (IOException e) {
      if (FileError.kindOf(e) == IoError.Kind.NOT_SUPPORTED) {
        device.lacks(Io.Op.DISCARD);
      }
      throw e;
    }
  }

  private @Nullable IoError writeZeroes() throws IOException {
    if (!device.mustWriteZeros()) {
      try {
        device.file().zeroRange(begin(), length());
        done = length();
      } catch (IOException e) {
        if (FileError.kindOf(e) != IoError.Kind.NOT_SUPPORTED) {
          throw e;
        }
        device.lacks(Io.Op.WRITE_ZEROES);
      }
    }
    while (done < length()) {
      int count = (int) Math.min(ZEROS.capacity(), length() - done);
      done += device.file().write(ZEROS.slice(0, count), begin() + done, false);
    }
    return io.fua() ? device.sync() : null;
  }

  /**
   * Storage is allocated in blocks of the file system, but a sector counts as allocated if any of
   * its bytes is. A file's end looks like an endless hole, so the answer ends there, and a request
   * for what should follow gets an error.
   */
  private void status() throws IOException {
    long sectors = Math.min(io.sectors(), (device.present() >> 9) - io.sector());
    if (sectors <= 0) {
      throw device.endsEarly();
    }
    long data = device.file().nextData(begin());
    if (data == Long.MAX_VALUE) {
      io.answer(false, sectors);
    } else if (data >> 9 > io.sector()) {
      io.answer(false, Math.min(sectors, (data >> 9) - io.sector()));
    } else {
      long hole = device.file().nextHole(data);
      io.answer(true, Math.min(sectors, ((hole + 511) >> 9) - io.sector()));
    }
  }
}
