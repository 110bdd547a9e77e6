// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The number of a user. The JDK asks the kernel who is at the other end of a socket, but tells only
 * the name that belongs to the number, or the number as text where there is no name.
 */
final class Uid {
  private static final Logger LOG = LoggerFactory.getLogger(Uid.class);

  /** Where {@code pw_uid} is in {@code struct passwd}: behind two pointers, with 64 bits. */
  private static final long PW_UID = 16;

  private Uid() {}

  /** The number of the user of this name; -1 if it is not known. */
  @SuppressWarnings("restricted") // calls getpwnam(3)
  static synchronized long of(String name) {
    if (name.matches("[0-9]{1,10}")) {
      return Long.parseLong(name);
    }
    // Its answer is in memory of its own, which the next call overwrites: hence the lock.
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment user =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(
                      Linker.nativeLinker().defaultLookup().findOrThrow("getpwnam"),
                      FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom(name));
      return user.equals(MemorySegment.NULL)
          ? -1
          : Integer.toUnsignedLong(
              user.reinterpret(PW_UID + Integer.BYTES).get(ValueLayout.JAVA_INT, PW_UID));
    } catch (Throwable e) { // what a downcall declares
      LOG.debug("the number of user {} is not known", name, e);
      return -1;
    }
  }
}
