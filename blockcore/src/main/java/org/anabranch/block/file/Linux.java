// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.lang.foreign.AddressLayout;
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
import java.util.Arrays;
import org.anabranch.block.IoError;

/**
 * The system calls of 64-bit Linux that the JDK does not offer, with their numbers and structures
 * as x86-64 and AArch64 share them. A call gives its result, or the negated errno.
 */
@SuppressWarnings("restricted") // calls into libc are what this class is for
final class Linux {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CLOEXEC = 0x80000;

  static final int RWF_DSYNC = 0x2;
  static final int RWF_NOWAIT = 0x8;

  static final int FALLOC_KEEP_SIZE = 0x1;
  static final int FALLOC_PUNCH_HOLE = 0x2;
  static final int FALLOC_ZERO_RANGE = 0x10;

  static final int SEEK_END = 2;
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;

  static final int EINTR = 4;
  static final int ENXIO = 6;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ENOSYS = 38;
  static final int EOPNOTSUPP = 95;
  static final int EDQUOT = 122;

  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final AddressLayout ADDRESS = ValueLayout.ADDRESS;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
  private static final VarHandle ERRNO_HANDLE =
      Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN =
      call("open", FunctionDescriptor.of(INT, ADDRESS, INT), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(INT, INT));
  private static final MethodHandle PREADV2 = vector("preadv2");
  private static final MethodHandle PWRITEV2 = vector("pwritev2");
  private static final MethodHandle FDATASYNC = call("fdatasync", FunctionDescriptor.of(INT, INT));
  private static final MethodHandle FTRUNCATE =
      call("ftruncate", FunctionDescriptor.of(INT, INT, LONG));
  private static final MethodHandle FALLOCATE =
      call("fallocate", FunctionDescriptor.of(INT, INT, INT, LONG, LONG));
  private static final MethodHandle LSEEK =
      call("lseek", FunctionDescriptor.of(LONG, INT, LONG, INT));
  private static final MethodHandle FCNTL =
      call(
          "fcntl",
          FunctionDescriptor.of(INT, INT, INT, ADDRESS),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle STRERROR =
      LINKER.downcallHandle(symbol("strerror"), FunctionDescriptor.of(ADDRESS, INT));

  /** What a call needs of native memory, one for each thread: errno's place and one iovec. */
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

  /** Whether these calls can be made on this machine at all. */
  static boolean isHere() {
    String os = System.getProperty("os.name", "");
    String arch = System.getProperty("os.arch", "");
    return os.equals("Linux") && (arch.equals("amd64") || arch.equals("aarch64"));
  }

  private static MemorySegment symbol(String name) {
    return LINKER.defaultLookup().findOrThrow(name);
  }

  private static MethodHandle call(
      String name, FunctionDescriptor signature, Linker.Option... options) {
    Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
    all[options.length] = ERRNO;
    return LINKER.downcallHandle(symbol(name), signature, all);
  }

  private static MethodHandle vector(String name) {
    return call(name, FunctionDescriptor.of(LONG, INT, ADDRESS, INT, LONG, INT));
  }

  private static int errno(Scratch scratch) {
    return (int) ERRNO_HANDLE.get(scratch.state, 0L);
  }

  private static Error impossible(Throwable e) {
    return e instanceof Error error ? error : new AssertionError(e);
  }

  /** The file descriptor. */
  static int open(String path, int flags) {
    Scratch scratch = SCRATCH.get();
    try (Arena arena = Arena.ofConfined()) {
      int fd = (int) OPEN.invokeExact(scratch.state, arena.allocateFrom(path), flags | O_CLOEXEC);
      return fd >= 0 ? fd : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  static int close(int fd) {
    Scratch scratch = SCRATCH.get();
    try {
      return (int) CLOSE.invokeExact(scratch.state, fd) == 0 ? 0 : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Fills a direct buffer from its position on; the number of bytes. */
  static int read(int fd, ByteBuffer data, long offset, int flags) {
    return vector(PREADV2, fd, data, offset, flags);
  }

  /** Writes a direct buffer from its position on; the number of bytes. */
  static int write(int fd, ByteBuffer data, long offset, int flags) {
    return vector(PWRITEV2, fd, data, offset, flags);
  }

  private static int vector(MethodHandle call, int fd, ByteBuffer data, long offset, int flags) {
    Scratch scratch = SCRATCH.get();
    MemorySegment bytes = MemorySegment.ofBuffer(data);
    scratch.iovec.set(LONG, 0, bytes.address());
    scratch.iovec.set(LONG, 8, bytes.byteSize());
    try {
      long count = (long) call.invokeExact(scratch.state, fd, scratch.iovec, 1, offset, flags);
      return count >= 0 ? (int) count : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    } finally {
      Reference.reachabilityFence(data);
    }
  }

  static int fdatasync(int fd) {
    Scratch scratch = SCRATCH.get();
    try {
      return (int) FDATASYNC.invokeExact(scratch.state, fd) == 0 ? 0 : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  static int ftruncate(int fd, long size) {
    Scratch scratch = SCRATCH.get();
    try {
      return (int) FTRUNCATE.invokeExact(scratch.state, fd, size) == 0 ? 0 : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  static int fallocate(int fd, int mode, long offset, long length) {
    Scratch scratch = SCRATCH.get();
    try {
      int result = (int) FALLOCATE.invokeExact(scratch.state, fd, mode, offset, length);
      return result == 0 ? 0 : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  static long lseek(int fd, long offset, int whence) {
    Scratch scratch = SCRATCH.get();
    try {
      long result = (long) LSEEK.invokeExact(scratch.state, fd, offset, whence);
      return result >= 0 ? result : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /**
   * Locks the whole file by its open description, so that the lock lives as long as the descriptor,
   * whatever else this process opens and closes.
   */
  static int lock(int fd, boolean shared) {
    Scratch scratch = SCRATCH.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock =
          arena.allocate(32, 8); // type, whence, start, length, pid; 0: to the end
      flock.set(ValueLayout.JAVA_SHORT, 0, shared ? F_RDLCK : F_WRLCK);
      int result = (int) FCNTL.invokeExact(scratch.state, fd, F_OFD_SETLK, flock);
      return result == 0 ? 0 : -errno(scratch);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** A failed call as an exception: {@code what} and the system's words for {@code errno}. */
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
    try {
      MemorySegment words = (MemorySegment) STRERROR.invokeExact(errno);
      return words.reinterpret(256).getString(0);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
