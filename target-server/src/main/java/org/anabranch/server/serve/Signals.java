// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Unix signals. The JDK has no supported way to tell SIGHUP from SIGTERM or to exit with 0 after
 * one; {@code sun.misc.Signal} is exported for this, but naming it in source is a compiler warning,
 * so it is reached by reflection. Where it is missing the JDK's own handling stays: TERM, INT and
 * HUP all end the process through its shutdown hooks.
 */
final class Signals {
  private Signals() {}

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
      org.slf4j.LoggerFactory.getLogger(Signals.class)
          .debug("signal {} keeps the JDK's handling", name, e);
    }
  }
}
