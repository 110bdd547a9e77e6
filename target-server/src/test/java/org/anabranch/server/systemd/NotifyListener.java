// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.systemd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The receiving end of sd_notify(3), in place of systemd. For one thread. */
public final class NotifyListener implements AutoCloseable {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final int MAX_MESSAGE = 4096;
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;

  private final long descriptor;

  /** Listens at a path, or at {@code @} and an abstract name. */
  public NotifyListener(String name) throws IOException {
    descriptor = call("socket", AF_UNIX, SOCK_DGRAM, 0, 0, 0);
    try (Arena arena = Arena.ofConfined()) {
      byte[] path = name.getBytes(StandardCharsets.UTF_8);
      MemorySegment address = arena.allocate(110, 8);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, 2, path.length);
      if (path[0] == '@') {
        address.set(ValueLayout.JAVA_BYTE, 2, (byte) 0);
      }
      call("bind", descriptor, address.address(), 2 + path.length + (path[0] == '@' ? 0 : 1), 0, 0);
    }
  }

  /** The next message; null when none has come after this time. */
  public @Nullable String next(Duration patience) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      time.set(LONG, 0, patience.toSeconds());
      time.set(LONG, 8, patience.toNanosPart() / 1000);
      call("setsockopt", descriptor, SOL_SOCKET, SO_RCVTIMEO, time.address(), 16);
      MemorySegment data = arena.allocate(MAX_MESSAGE);
      long length = invoke("recv", descriptor, data.address(), MAX_MESSAGE, 0, 0);
      return length < 0
          ? null
          : new String(
              data.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
  }

  private static long call(String name, long a, long b, long c, long d, long e) throws IOException {
    long result = invoke(name, a, b, c, d, e);
    if (result < 0) {
      throw new IOException(name + " failed");
    }
    return result;
  }

  /** Calls a function of libc whose result fits into an int. */
  @SuppressWarnings("restricted") // datagrams of Unix sockets are not to be had from the JDK
  private static long invoke(String name, long a, long b, long c, long d, long e) {
    Linker linker = Linker.nativeLinker();
    MethodHandle function =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow(name),
            FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG));
    try {
      return (int) (long) function.invokeExact(a, b, c, d, e);
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }

  @Override
  public void close() throws IOException {
    call("close", descriptor, 0, 0, 0, 0);
  }
}
