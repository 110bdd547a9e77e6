// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Loads librados and librbd, when somebody needs them for the first time. */
@SuppressWarnings("restricted") // calls into libraries of C are what this class is for
final class CephLibraries {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  /**
   * One signature for nearly all functions. Each of these arguments has a register of its own on
   * x86-64 and AArch64; a function reads only as many registers as it has parameters.
   */
  private static final FunctionDescriptor SIX_WORDS =
      FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG);

  private static final FunctionDescriptor EIGHT_WORDS =
      FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG);

  private CephLibraries() {}

  /**
   * Makes sure that both libraries are here, before {@link Librados} or {@link Librbd} is used.
   *
   * @throws IOException with a message of one line that names the Debian package
   */
  static void load() throws IOException {
    String os = System.getProperty("os.name", "");
    String arch = System.getProperty("os.arch", "");
    if (!os.equals("Linux") || !(arch.equals("amd64") || arch.equals("aarch64"))) {
      throw new IOException("RBD needs Linux on x86-64 or AArch64, and this is " + os + " " + arch);
    }
    try {
      library("librados.so.2");
      library("librbd.so.1");
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "volumes on RBD need Ceph's library librbd.so.1, which is not installed or cannot be"
              + " loaded: install Debian's package librbd1 and restart the server",
          e);
    }
  }

  static SymbolLookup library(String name) {
    return SymbolLookup.libraryLookup(name, Arena.global());
  }

  static MethodHandle function(SymbolLookup library, String name) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), SIX_WORDS);
  }

  /** A function that has more than six parameters. */
  static MethodHandle longFunction(SymbolLookup library, String name) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), EIGHT_WORDS);
  }

  static long call(MethodHandle function, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) function.invokeExact(a, b, c, d, e, f);
    } catch (Throwable t) {
      throw t instanceof Error error ? error : new AssertionError(t);
    }
  }

  static long call(MethodHandle function, long a, long b, long c, long d) {
    return call(function, a, b, c, d, 0, 0);
  }

  /** A function that returns an int: the upper half of the register is undefined. */
  static int callInt(MethodHandle function, long a, long b, long c, long d) {
    return (int) call(function, a, b, c, d, 0, 0);
  }
}
