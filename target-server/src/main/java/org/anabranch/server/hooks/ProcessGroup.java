// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process that leads a group of its own, with all that it has started. Any thread that may wait.
 */
final class ProcessGroup {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessGroup.class);
  private static final int SIGKILL = 9;
  private static final int SIGTERM = 15;

  /** How long a group has after a SIGTERM, such as to thaw what it has frozen. */
  private static final long GRACE_SECONDS = 2;

  private static final MethodHandle KILL = kill();

  private ProcessGroup() {}

  @SuppressWarnings("restricted") // kill(2)
  private static MethodHandle kill() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("kill"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  }

  /**
   * Ends a process, its group, and those of its descendants that have left the group. The process
   * need not be a child of this one.
   */
  static void end(ProcessHandle process) {
    List<ProcessHandle> descendants = process.descendants().toList();
    signal(process, SIGTERM);
    try {
      var _ = process.onExit().get(GRACE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | ExecutionException e) {
      LOG.debug("process {} ignores SIGTERM", process.pid(), e);
    }
    signal(process, SIGKILL); // those of the group that are left
    var _ = process.destroyForcibly();
    descendants.forEach(ProcessHandle::destroyForcibly);
  }

  private static void signal(ProcessHandle process, int number) {
    try {
      int _ = (int) KILL.invokeExact(Math.toIntExact(-process.pid()), number);
    } catch (Throwable e) { // what a downcall declares
      LOG.debug("no signal for the group of {}", process.pid(), e);
    }
  }
}
