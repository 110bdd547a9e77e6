// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unix signals. The JDK has no supported way to tell SIGHUP from SIGTERM or to exit with 0 after
 * one; {@code sun.misc.Signal} is exported for this, but naming it in source is a compiler warning,
 * so it is reached by reflection. Where it is missing the JDK's own handling stays: TERM, INT and
 * HUP all end the process through its shutdown hooks.
 */
final class Signals {
  private static final Logger log = LoggerFactory.getLogger(Signals.class);

  static final int SIGHUP = 1;
  static final int SIGINT = 2;
  static final int SIGTERM = 15;

  /** What signal(2) calls SIG_DFL. */
  private static final long DEFAULT_ACTION = 0;

  private Signals() {}

  /**
   * Lets signals run {@code action} also when the system has no threads to give: on one thread, one
   * after the other. What {@link #handle} has set stays where that is not possible. It takes some
   * milliseconds.
   */
  static void needNoThread(Runnable action, int... signals) {
    SignalThread.handle(action, IntStream.of(signals).filter(signal -> !ignored(signal)).toArray());
  }

  /**
   * Runs {@code action} for SIGHUP, also where it was ignored when this process started, as under
   * nohup. The JVM leaves a signal alone that it finds ignored, without an error.
   */
  @SuppressWarnings("restricted") // calls signal(2)
  static void handleHangup(Runnable action) {
    if (ignored(SIGHUP)) {
      try {
        long _ =
            (long)
                Linker.nativeLinker()
                    .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("signal"),
                        FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                    .invokeExact(SIGHUP, DEFAULT_ACTION);
      } catch (Throwable e) { // what a downcall declares
        log.debug("signal(SIGHUP)", e);
      }
      if (ignored(SIGHUP)) {
        log.warn(
            "SIGHUP was ignored when this process started, and stays so: use anabranch reload");
        return;
      }
    }
    handle("HUP", action);
  }

  /** Whether this process ignores a signal, by its number on Linux. */
  static boolean ignored(int signal) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("SigIgn:"))
          .map(line -> Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), 16))
          .anyMatch(mask -> (mask >>> (signal - 1) & 1) != 0);
    } catch (IOException | UncheckedIOException e) {
      log.debug("which signals are ignored is not known", e);
      return false;
    }
  }

  /**
   * Runs {@code action} on a thread of its own for each signal of this name.
   *
   * @param name without SIG, such as {@code TERM}
   */
  static void handle(String name, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler run =
          (proxy, method, args) -> {
            if (!method.getName().equals("handle")) {
              throw new UnsupportedOperationException(method.getName());
            }
            action.run();
            return null;
          };
      signal
          .getMethod("handle", signal, handler)
          .invoke(
              null,
              signal.getConstructor(String.class).newInstance(name),
              Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, run));
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      log.debug("signal {} keeps the JDK's handling", name, e);
    }
  }
}
