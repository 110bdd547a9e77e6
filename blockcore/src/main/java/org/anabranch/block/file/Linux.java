// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.anabranch.block.IoError;

/**
 * System calls of 64-bit Linux that the JDK does not offer, with the numbers and structures common
 * to x86-64 and AArch64. A call returns its result, or the negated errno.
 */
@SuppressWarnings("restricted") // calls into libc are what this class is for
final class Linux {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CLOEXEC = 0x80000;
  static final int O_NOATIME = 0x40000;

  static final int RWF_DSYNC = 0x2;
  static final int RWF_NOWAIT = 0x8;

  static final int FALLOC_KEEP_SIZE = 0x1;
  static final int FALLOC_PUNCH_HOLE = 0x2;
  static final int FALLOC_ZERO_RANGE = 0x10;

  static final int SEEK_END = 2;
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;

  static final int EPERM = 1;
  static final int EINTR = 4;
  static final int ENXIO = 6;
  static final int EXDEV = 18;
  static final int EINVAL = 22;
  static final int ENOTTY = 25;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ENOSYS = 38;
  static final int EOPNOTSUPP = 95;
  static final int EDQUOT = 122;

  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_NLINK = 0x4;
  private static final int STATX_BYTES = 256;
  private static final int STATX_NLINK_OFFSET = 16;
  private static final int STATX_BLOCKS = 0x400;
  private static final int STATX_BLOCKS_OFFSET = 48;
  private static final int AT_FDCWD = -100;

  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;

  /** {@code _IOW(0x94, 13, struct file_clone_range)} of linux/fs.h. */
  private static final int FICLONERANGE = 0x4020940D;

  private static final int CLONE_RANGE_BYTES = 32;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /**
   * One signature for all calls, because linking each further one adds 20 ms to the start. On both
   * architectures each of these arguments has its own register; a function reads only as many bits
   * as its type has, and only as many registers as it has parameters.
   */
  private static final FunctionDescriptor FIVE_WORDS =
      FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG);

  private static final Linker LINKER = Linker.nativeLinker();
  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN = function("open");
  private static final MethodHandle CLOSE = function("close");
  private static final MethodHandle PREADV2 = function("preadv2");
  private static final MethodHandle PWRITEV2 = function("pwritev2");
  private static final MethodHandle FDATASYNC = function("fdatasync");
  private static final MethodHandle FTRUNCATE = function("ftruncate");
  private static final MethodHandle FALLOCATE = function("fallocate");
  private static final MethodHandle LSEEK = function("lseek");
  private static final MethodHandle FCNTL = function("fcntl");
  private static final MethodHandle STATX = function("statx");
  private static final MethodHandle STRERROR = function("strerror");

  /** Not linked before it is needed, which a start does not. */
  private static final class Ioctl {
    static final MethodHandle IOCTL = function("ioctl");

    private Ioctl() {}
  }

  /** Native memory for calls, one for each thread: errno and one iovec. */
  private static final class Scratch {
    final MemorySegment state;
    final MemorySegment iovec;

    Scratch() {
      Arena arena = Arena.ofAuto();
      state = arena.allocate(Linker.Option.captureStateLayout());
      iovec = arena.allocate(16, 8);
    }
  }

  private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

  private Linux() {}

  /** Whether these calls are available on this machine. */
  static boolean isHere() {
    String os = System.getProperty("os.name", "");
    String arch = System.getProperty("os.arch", "");
    return os.equals("Linux") && (arch.equals("amd64") || arch.equals("aarch64"));
  }

  private static MemorySegment symbol(String name) {
    return LINKER.defaultLookup().findOrThrow(name);
  }

  private static MethodHandle function(String name) {
    return LINKER.downcallHandle(symbol(name), FIVE_WORDS, Linker.Option.captureCallState("errno"));
  }

  /** Calls a function that returns a long. */
  private static long call(MethodHandle function, long a, long b, long c, long d, long e) {
    Scratch scratch = SCRATCH.get();
    try {
      long result = (long) function.invokeExact(scratch.state, a, b, c, d, e);
      return result >= 0 ? result : -(int) ERRNO.get(scratch.state, 0L);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  /** Calls a function that returns an int; the upper half of the register is undefined. */
  private static int callInt(MethodHandle function, long a, long b, long c, long d) {
    return callInt(function, a, b, c, d, 0);
  }

  private static int callInt(MethodHandle function, long a, long b, long c, long d, long e) {
    Scratch scratch = SCRATCH.get();
    try {
      int result = (int) (long) function.invokeExact(scratch.state, a, b, c, d, e);
      return result >= 0 ? result : -(int) ERRNO.get(scratch.state, 0L);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  private static Error impossible(Throwable e) {
    return e instanceof Error error ? error : new AssertionError(e);
  }

  /** The file descriptor. */
  static int open(String path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(OPEN, arena.allocateFrom(path).address(), flags | O_CLOEXEC, 0, 0);
    }
  }

  static int close(int fd) {
    return callInt(CLOSE, fd, 0, 0, 0);
  }

  /** Reads into a direct buffer from its position; returns the number of bytes. */
  static int read(int fd, ByteBuffer data, long offset, int flags) {
    return vector(PREADV2, fd, data, offset, flags);
  }

  /** Writes a direct buffer from its position; returns the number of bytes. */
  static int write(int fd, ByteBuffer data, long offset, int flags) {
    return vector(PWRITEV2, fd, data, offset, flags);
  }

  private static int vector(
      MethodHandle function, int fd, ByteBuffer data, long offset, int flags) {
    MemorySegment iovec = SCRATCH.get().iovec;
    MemorySegment bytes = MemorySegment.ofBuffer(data);
    iovec.set(LONG, 0, bytes.address());
    iovec.set(LONG, 8, bytes.byteSize());
    try {
      return (int) call(function, fd, iovec.address(), 1, offset, flags);
    } finally {
      Reference.reachabilityFence(data);
    }
  }

  static int fdatasync(int fd) {
    return callInt(FDATASYNC, fd, 0, 0, 0);
  }

  static int ftruncate(int fd, long size) {
    return callInt(FTRUNCATE, fd, size, 0, 0);
  }

  static int fallocate(int fd, int mode, long offset, long length) {
    return callInt(FALLOCATE, fd, mode, offset, length);
  }

  /**
   * Lets a range of one file share the blocks of the same range of another one.
   *
   * @param length bytes; 0: up to the end of {@code from}
   */
  static int cloneRange(int from, int to, long offset, long length) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment range = arena.allocate(CLONE_RANGE_BYTES, 8);
      range.set(LONG, 0, from);
      range.set(LONG, 8, offset);
      range.set(LONG, 16, length);
      range.set(LONG, 24, offset);
      return callInt(Ioctl.IOCTL, to, FICLONERANGE, range.address(), 0);
    }
  }

  static long lseek(int fd, long offset, int whence) {
    return call(LSEEK, fd, offset, whence, 0, 0);
  }

  /** The number of names (hard links) of an open file. */
  static long links(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment empty = arena.allocateFrom("");
      MemorySegment statx = arena.allocate(STATX_BYTES, 8);
      int result = callInt(STATX, fd, empty.address(), AT_EMPTY_PATH, STATX_NLINK, statx.address());
      return result < 0 ? result : statx.get(ValueLayout.JAVA_INT, STATX_NLINK_OFFSET);
    }
  }

  /** Sectors of 512 bytes that a file takes on its disk. */
  static long allocatedSectors(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      MemorySegment statx = arena.allocate(STATX_BYTES, 8);
      int result = callInt(STATX, AT_FDCWD, name.address(), 0, STATX_BLOCKS, statx.address());
      return result < 0 ? result : statx.get(LONG, STATX_BLOCKS_OFFSET);
    }
  }

  /**
   * Locks the whole file by its open file description, so that the lock lasts as long as the
   * descriptor, whatever else this process opens and closes.
   */
  static int lock(int fd, boolean shared) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock =
          arena.allocate(32, 8); // type, whence, start, length, pid; 0: to the end
      flock.set(ValueLayout.JAVA_SHORT, 0, shared ? F_RDLCK : F_WRLCK);
      return callInt(FCNTL, fd, F_OFD_SETLK, flock.address(), 0);
    }
  }

  /** A failed call as an exception: {@code what}, and the system's text for {@code errno}. */
  static FileError error(String what, int errno) {
    IoError.Kind kind =
        switch (errno) {
          case ENOSPC, EDQUOT -> IoError.Kind.NO_SPACE;
          case EROFS -> IoError.Kind.READ_ONLY;
          case EOPNOTSUPP, ENOSYS -> IoError.Kind.NOT_SUPPORTED;
          default -> IoError.Kind.IO;
        };
    return new FileError(kind, what + ": " + words(errno));
  }

  private static String words(int errno) {
    return MemorySegment.ofAddress(call(STRERROR, errno, 0, 0, 0, 0)).reinterpret(256).getString(0);
  }
}
