// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Programs that a server started before an operation, and that still run after it died. Without
 * systemd, which ends all processes of a service, such a program could freeze what the next start
 * has just thawed. Any thread that may wait.
 */
final class LeftPrograms {
  private static final Logger LOG = LoggerFactory.getLogger(LeftPrograms.class);

  /** The variable that tells one operation's programs from all others. */
  static final String RUN = "ANABRANCH_RUN";

  private static final String BEFORE = "ANABRANCH_HOOK=before-";

  private LeftPrograms() {}

  /**
   * Ends the programs that run before an operation, with all that they have started. Programs of
   * other users are seen only by root, who alone can have started them.
   *
   * @param run the value of {@value #RUN} in their environment
   */
  static void end(String run) {
    List<ProcessHandle> left =
        ProcessHandle.allProcesses().filter(process -> isOf(run, process)).toList();
    for (ProcessHandle process : left) {
      LOG.warn(
          "process {}, a hook of the server that died, still runs, and is ended", process.pid());
      ProcessGroup.end(process);
    }
  }

  /** Only the first process of a run leads a session; the others go with it. */
  private static boolean isOf(String run, ProcessHandle process) {
    try {
      Path folder = Path.of("/proc", Long.toString(process.pid()));
      List<String> environment =
          Arrays.asList(
              Files.readString(folder.resolve("environ"), StandardCharsets.ISO_8859_1)
                  .split("\0", -1));
      return environment.contains(RUN + "=" + run)
          && environment.stream().anyMatch(each -> each.startsWith(BEFORE))
          && session(Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1))
              == process.pid();
    } catch (IOException e) {
      LOG.trace("process {} is somebody else's, or has ended", process.pid(), e);
      return false;
    }
  }

  /** The session of a process; in proc(5), the fourth field behind the name in parentheses. */
  private static long session(String stat) {
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[3]);
  }
}
