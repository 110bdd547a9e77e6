// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.anabranch.server.base.ThreadStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signals that need no new thread. The JDK starts a thread for each signal; where the system has
 * none to give, it drops the signal, and a server whose user has reached the limit of processes
 * could not be stopped. So one thread waits from the start: for an eventfd(2) that the signal's
 * handler writes to.
 *
 * <p>A handler runs at any point of any thread, so it must not be Java. This one is 25 bytes of
 * machine code, which make one system call:
 *
 * <pre>
 *   write(eventfd, &amp;one, 8); return;
 * </pre>
 *
 * For Linux on x86-64. Elsewhere, and where memory may not be made executable, the JDK's way stays.
 */
final class SignalThread {
  private static final Logger LOG = LoggerFactory.getLogger(SignalThread.class);

  /** Where the number 1 is, behind the code. */
  private static final int ONE = 32;

  private static final long PAGE = 4096;
  private static final int CLOSE_ON_EXEC = 0x80000; // EFD_CLOEXEC
  private static final int READ_WRITE = 3; // PROT_READ | PROT_WRITE
  private static final int READ_EXECUTE = 5; // PROT_READ | PROT_EXEC
  private static final int PRIVATE_ANONYMOUS = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS
  private static final long FAILED = -1; // SIG_ERR, MAP_FAILED

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final AddressLayout POINTER = ValueLayout.ADDRESS;

  private final int eventfd;
  private final Runnable action;

  private SignalThread(int eventfd, Runnable action) {
    this.eventfd = eventfd;
    this.action = action;
  }

  /**
   * Runs {@code action} for each of these signals from now on, on one thread.
   *
   * @param signals by their numbers on Linux
   * @return false where that is not possible; then nothing has changed
   */
  static boolean handle(Runnable action, int... signals) {
    if (!System.getProperty("os.name").equals("Linux")
        || !System.getProperty("os.arch").equals("amd64")) {
      return false;
    }
    try {
      int eventfd = (int) function("eventfd", INT, INT, INT).invokeExact(0, CLOSE_ON_EXEC);
      if (eventfd < 0) {
        return false;
      }
      long handler = handler(eventfd);
      SignalThread reader = new SignalThread(eventfd, action);
      if (handler == FAILED
          || !ThreadStart.of(
              Thread.ofPlatform().daemon().name("signals").factory(), reader::read)) {
        return false;
      }
      MethodHandle signal = function("signal", LONG, INT, LONG);
      for (int number : signals) {
        long _ = (long) signal.invokeExact(number, handler);
      }
      return true;
    } catch (Throwable e) { // what a downcall declares
      LOG.debug("signals keep the JDK's handling", e);
      return false;
    }
  }

  @SuppressWarnings("restricted") // the few calls of this class
  private static MethodHandle function(String name, ValueLayout result, ValueLayout... arguments) {
    return Linker.nativeLinker()
        .downcallHandle(
            Linker.nativeLinker().defaultLookup().findOrThrow(name),
            FunctionDescriptor.of(result, arguments));
  }

  /** The address of the handler. It stays for the life of the process. */
  @SuppressWarnings("restricted") // the page has a length
  private static long handler(int eventfd) throws Throwable {
    long page =
        (long)
            function("mmap", LONG, LONG, LONG, INT, INT, INT, LONG)
                .invokeExact(0L, PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
    if (page == FAILED) {
      return FAILED;
    }
    MemorySegment.ofAddress(page).reinterpret(PAGE).copyFrom(MemorySegment.ofArray(code(eventfd)));
    int refused =
        (int) function("mprotect", INT, LONG, LONG, INT).invokeExact(page, PAGE, READ_EXECUTE);
    return refused == 0 ? page : FAILED;
  }

  private static byte[] code(int eventfd) {
    ByteBuffer code = ByteBuffer.allocate(ONE + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    code.put((byte) 0xb8).putInt(1); // mov eax, 1: write
    code.put((byte) 0xbf).putInt(eventfd); // mov edi, eventfd
    code.put((byte) 0x48).put((byte) 0x8d).put((byte) 0x35); // lea rsi, [rip + distance]
    code.putInt(ONE - (code.position() + Integer.BYTES));
    code.put((byte) 0xba).putInt(Long.BYTES); // mov edx, 8
    code.put((byte) 0x0f).put((byte) 0x05); // syscall
    code.put((byte) 0xc3); // ret
    return code.putLong(ONE, 1).array();
  }

  /** Waits for signals and runs the action, once for each of them. */
  private void read() {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle read = function("read", LONG, INT, POINTER, LONG);
      MemorySegment count = arena.allocate(LONG);
      while (true) {
        long length = (long) read.invokeExact(eventfd, count, (long) Long.BYTES);
        for (long left = length == Long.BYTES ? count.get(LONG, 0) : 0; left > 0; left--) {
          action.run();
        }
      }
    } catch (Throwable e) { // what a downcall declares
      LOG.error("signals are handled no more", e);
    }
  }
}
