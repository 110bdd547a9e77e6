// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file accessed with Linux's own calls, which can read without blocking. */
final class NativeFile implements RawFile {
  /** Bytes of a heap buffer copied at a time; heap buffers need not be fast. */
  private static final int COPY = 65_536;

  private final String path;
  private final int fd;
  private final boolean regular;

  /** Set once the file system has refused to read without blocking. Any thread. */
  private volatile boolean alwaysWaits;

  private final QuickWrites quick;

  NativeFile(Path path, boolean readOnly) throws IOException {
    this.path = path.toString();
    this.regular = Files.isRegularFile(path);
    this.quick = new QuickWrites(WritesUnderWay.of(path), System.nanoTime());
    this.fd = open(this.path, readOnly ? Linux.O_RDONLY : Linux.O_RDWR);
    if (fd < 0) {
      throw Linux.error(this.path, -fd);
    }
  }

  /**
   * A read with {@code RWF_NOWAIT} still updates the time of the last access, and for that it may
   * wait for the journal. So it is not updated, which only the file's owner may ask for.
   */
  private static int open(String path, int flags) {
    int fd = Linux.open(path, flags | Linux.O_NOATIME);
    return fd == -Linux.EPERM ? Linux.open(path, flags) : fd;
  }

  @Override
  public int readNow(ByteBuffer data, long offset) {
    if (alwaysWaits || !data.isDirect()) {
      return NOT_NOW;
    }
    int count = Linux.read(fd, data, offset, Linux.RWF_NOWAIT);
    if (count >= 0) {
      return count;
    }
    if (count == -Linux.EOPNOTSUPP || count == -Linux.ENOSYS) {
      alwaysWaits = true;
    }
    return NOT_NOW; // a real error recurs where it can be reported
  }

  @Override
  public boolean isQuick(ByteBuffer data, long offset) {
    return data.isDirect() && quick.may(offset, data.remaining(), System.nanoTime());
  }

  @Override
  public int writeNow(ByteBuffer data, long offset) {
    long begin = System.nanoTime();
    if (!quick.may(offset, data.remaining(), begin)) {
      return NOT_NOW;
    }
    quick.begin(begin);
    int count = Linux.write(fd, data, offset, 0);
    quick.took(data.remaining(), begin, System.nanoTime());
    return count < 0 ? NOT_NOW : count; // a real error recurs where it can be reported
  }

  @Override
  public int read(ByteBuffer data, long offset) throws IOException {
    ByteBuffer to = data.isDirect() ? data : ByteBuffer.allocateDirect(copied(data));
    int count;
    do {
      count = Linux.read(fd, to, offset, 0);
    } while (count == -Linux.EINTR);
    check("read", count);
    if (!data.isDirect()) {
      data.put(data.position(), to, 0, count);
    }
    return count;
  }

  @Override
  public int write(ByteBuffer data, long offset, boolean durable) throws IOException {
    ByteBuffer from = data;
    if (!data.isDirect()) {
      from = ByteBuffer.allocateDirect(copied(data));
      from.put(0, data, data.position(), from.capacity());
    }
    int count;
    do {
      count = Linux.write(fd, from, offset, durable ? Linux.RWF_DSYNC : 0);
    } while (count == -Linux.EINTR);
    return (int) check("write", count);
  }

  private static int copied(ByteBuffer data) {
    return Math.min(COPY, data.remaining());
  }

  @Override
  public void sync() throws IOException {
    check("fdatasync", Linux.fdatasync(fd));
  }

  @Override
  public void punchHole(long offset, long length) throws IOException {
    allocate("punch hole", Linux.FALLOC_PUNCH_HOLE | Linux.FALLOC_KEEP_SIZE, offset, length);
  }

  @Override
  public void zeroRange(long offset, long length) throws IOException {
    allocate("zero range", Linux.FALLOC_ZERO_RANGE | Linux.FALLOC_KEEP_SIZE, offset, length);
  }

  private void allocate(String what, int mode, long offset, long length) throws IOException {
    int result;
    do {
      result = Linux.fallocate(fd, mode, offset, length);
    } while (result == -Linux.EINTR);
    check(what, result);
  }

  @Override
  public long nextData(long offset) throws IOException {
    long data = Linux.lseek(fd, offset, Linux.SEEK_DATA);
    return data == -Linux.ENXIO ? Long.MAX_VALUE : check("seek data", data);
  }

  @Override
  public long nextHole(long offset) throws IOException {
    return check("seek hole", Linux.lseek(fd, offset, Linux.SEEK_HOLE));
  }

  @Override
  public long size() throws IOException {
    return check("seek end", Linux.lseek(fd, 0, Linux.SEEK_END));
  }

  @Override
  public int links() throws IOException {
    return (int) check("statx", Linux.links(fd));
  }

  @Override
  public void resize(long newSize) throws IOException {
    if (regular && newSize != size()) {
      check("ftruncate", Linux.ftruncate(fd, newSize));
    }
  }

  @Override
  public boolean tryLock(boolean shared) throws IOException {
    int result = Linux.lock(fd, shared);
    if (result == -Linux.EAGAIN || result == -Linux.EACCES) {
      return false;
    }
    check("lock", result);
    return true;
  }

  @Override
  public void close() throws IOException {
    check("close", Linux.close(fd));
  }

  private long check(String what, long result) throws IOException {
    if (result < 0) {
      throw Linux.error(path + ": " + what, (int) -result);
    }
    return result;
  }
}
