// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The resources used by a server, and by the process that loads it. Linux only: read from /proc.
 *
 * @param cpuSeconds processor time of the server
 * @param generatorSeconds processor time of this process and of its ended children
 * @param storageSeconds processor time of the process that stores what the server serves, if it is
 *     another one
 * @param peakBytes peak resident memory since {@link #resetPeak}
 * @param residentBytes resident memory now
 */
record Usage(
    double cpuSeconds,
    double generatorSeconds,
    double storageSeconds,
    long peakBytes,
    long residentBytes) {
  /** Linux reports processor time in ticks of 1/100 s, whatever its internal clock. */
  private static final double TICKS = 100;

  // Fields of /proc/PID/stat after the name.
  private static final int USER = 11;
  private static final int SYSTEM = 12;
  private static final int USER_OF_CHILDREN = 13;
  private static final int SYSTEM_OF_CHILDREN = 14;

  /**
   * The usage of a server.
   *
   * @param pid its process id
   * @param storage the process id of what stores its data; 0: the server itself does
   */
  static Usage of(long pid, long storage) throws IOException {
    Path server = Path.of("/proc", Long.toString(pid));
    long peak = 0;
    long resident = 0;
    for (String line : Files.readAllLines(server.resolve("status"))) {
      if (line.startsWith("VmHWM:")) {
        peak = kibibytes(line);
      } else if (line.startsWith("VmRSS:")) {
        resident = kibibytes(line);
      }
    }
    double own = seconds(Path.of("/proc/self"), USER, SYSTEM, USER_OF_CHILDREN, SYSTEM_OF_CHILDREN);
    return new Usage(
        seconds(server, USER, SYSTEM), own, storage == 0 ? 0 : seconds(storage), peak, resident);
  }

  /** Processor time of a process, seconds. */
  static double seconds(long pid) throws IOException {
    return seconds(Path.of("/proc", Long.toString(pid)), USER, SYSTEM);
  }

  /** Processor time of this process's ended children, seconds. */
  static double childrenSeconds() throws IOException {
    return seconds(Path.of("/proc/self"), USER_OF_CHILDREN, SYSTEM_OF_CHILDREN);
  }

  /** Restarts the measurement of the peak. */
  static void resetPeak(long pid) throws IOException {
    Files.writeString(Path.of("/proc", Long.toString(pid), "clear_refs"), "5");
  }

  private static double seconds(Path process, int... fields) throws IOException {
    String stat = Files.readString(process.resolve("stat"));
    // The name in parentheses may contain anything; the fields after it are separated by blanks.
    String[] values = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    long ticks = 0;
    for (int field : fields) {
      ticks += Long.parseLong(values[field]);
    }
    return ticks / TICKS;
  }

  private static long kibibytes(String line) {
    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
  }
}
