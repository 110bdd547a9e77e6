// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import static org.anabranch.block.rbd.CephLibraries.call;
import static org.anabranch.block.rbd.CephLibraries.callInt;
import static org.anabranch.block.rbd.CephLibraries.function;

import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Memory that outlives whoever asked for it, and an eventfd to wait for. */
@SuppressWarnings("restricted") // calls into libc are what this class is for
final class Libc {
  private static final int EFD_CLOEXEC = 0x80000;

  private static final SymbolLookup LIBC = Linker.nativeLinker().defaultLookup();
  private static final MethodHandle MALLOC = function(LIBC, "malloc");
  private static final MethodHandle FREE = function(LIBC, "free");
  private static final MethodHandle EVENTFD = function(LIBC, "eventfd");
  private static final MethodHandle EVENTFD_READ = function(LIBC, "eventfd_read");
  private static final MethodHandle EVENTFD_WRITE = function(LIBC, "eventfd_write");
  private static final MethodHandle CLOSE = function(LIBC, "close");
  private static final MethodHandle STRERROR = function(LIBC, "strerror");

  private Libc() {}

  /** The address of so many bytes, until {@link #free}. */
  static long malloc(long bytes) {
    long address = call(MALLOC, bytes, 0, 0, 0);
    if (address == 0) {
      throw new OutOfMemoryError("no " + bytes + " bytes of native memory");
    }
    return address;
  }

  /** Gives memory back; 0 is none. */
  static void free(long address) {
    call(FREE, address, 0, 0, 0);
  }

  static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** A new eventfd; negative if there can be none. */
  static int eventfd() {
    return callInt(EVENTFD, 0, EFD_CLOEXEC, 0, 0);
  }

  /** Waits until the eventfd was signalled; also ends early when a signal interrupts it. */
  static void awaitEvent(int fd, MemorySegment count) {
    callInt(EVENTFD_READ, fd, count.address(), 0, 0);
  }

  static void signal(int fd) {
    callInt(EVENTFD_WRITE, fd, 1, 0, 0);
  }

  static void close(int fd) {
    callInt(CLOSE, fd, 0, 0, 0);
  }

  /** The text at an address, of some hundred bytes at most. */
  static String text(long address) {
    return memory(address, 4096).getString(0);
  }

  /** The system's words for an error number. */
  static String words(int errno) {
    return text(call(STRERROR, errno, 0, 0, 0));
  }
}
