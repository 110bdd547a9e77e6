// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.systemd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Sends datagrams to a Unix socket, which the JDK cannot. Each message has a socket of its own,
 * since they are few. Any thread may send. {@code sendto} never blocks here: a service manager that
 * does not read its socket costs a message, and not a thread.
 */
@SuppressWarnings("restricted") // calls into libc are what this class is for
final class NotifySocket {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;

  /** Of {@code sun_path} in {@code sockaddr_un}. */
  private static final int MAX_PATH = 108;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /** One signature for all: each argument has a register of its own on x86-64 and AArch64. */
  private static final FunctionDescriptor SIX_WORDS =
      FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG);

  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private final byte[] path;
  private final MethodHandle socket = function("socket");
  private final MethodHandle sendto = function("sendto");
  private final MethodHandle close = function("close");

  /**
   * A socket to send to.
   *
   * @param name an absolute path, or {@code @} and a name in the abstract namespace, as {@code
   *     NOTIFY_SOCKET} has it
   * @throws IOException when this is neither, or longer than a Unix socket's address can be
   */
  NotifySocket(String name) throws IOException {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (!(name.startsWith("/") || name.startsWith("@")) || name.length() < 2) {
      throw new IOException("neither an absolute path nor an abstract socket: " + name);
    }
    if (bytes.length >= MAX_PATH) {
      throw new IOException("longer than " + (MAX_PATH - 1) + " bytes: " + name);
    }
    if (name.startsWith("@")) {
      bytes[0] = 0;
    }
    path = bytes;
  }

  private static MethodHandle function(String name) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        SIX_WORDS,
        Linker.Option.captureCallState("errno"));
  }

  /**
   * Sends one message.
   *
   * @throws IOException when nobody listens or it could not be sent
   */
  void send(String message) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
      MemorySegment address = arena.allocate(Short.BYTES + MAX_PATH, 8);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, Short.BYTES, path.length);
      // The length of a path counts its final zero; that of an abstract name has none.
      int length = Short.BYTES + path.length + (path[0] == 0 ? 0 : 1);
      byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
      MemorySegment data = arena.allocate(bytes.length);
      MemorySegment.copy(bytes, 0, data, ValueLayout.JAVA_BYTE, 0, bytes.length);
      long descriptor = call(socket, state, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0);
      try {
        call(
            sendto,
            state,
            descriptor,
            data.address(),
            bytes.length,
            MSG_DONTWAIT | MSG_NOSIGNAL,
            address.address(),
            length);
      } finally {
        call(close, state, descriptor, 0, 0, 0, 0, 0);
      }
    }
  }

  private static long call(
      MethodHandle function, MemorySegment state, long a, long b, long c, long d, long e, long f)
      throws IOException {
    int result; // of an int: sendto returns more only for messages beyond 2 GiB
    try {
      result = (int) (long) function.invokeExact(state, a, b, c, d, e, f);
    } catch (Throwable t) { // what a downcall declares
      throw new IllegalStateException(t);
    }
    if (result < 0) {
      throw new IOException(String.format(Locale.ROOT, "errno %d", (int) ERRNO.get(state, 0L)));
    }
    return result;
  }
}
