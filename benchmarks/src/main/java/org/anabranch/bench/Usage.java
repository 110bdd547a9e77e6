// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a server has used so far, and what loads it. Linux only: read from /proc.
 *
 * @param cpuSeconds of the server's processor time
 * @param generatorSeconds processor time of this process, and of those it began that have ended
 * @param peakBytes the most memory that was resident since {@link #resetPeak}
 * @param residentBytes what is resident now
 */
record Usage(double cpuSeconds, double generatorSeconds, long peakBytes, long residentBytes) {
  /** Linux counts a process's time in ticks of this many a second, whatever its own clock. */
  private static final double TICKS = 100;

  // Fields of /proc/PID/stat behind the name.
  private static final int USER = 11;
  private static final int SYSTEM = 12;
  private static final int USER_OF_CHILDREN = 13;
  private static final int SYSTEM_OF_CHILDREN = 14;

  /** Of the server that is process {@code pid}. */
  static Usage of(long pid) throws IOException {
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
    return new Usage(seconds(server, USER, SYSTEM), own, peak, resident);
  }

  /** The peak counts from now on. */
  static void resetPeak(long pid) throws IOException {
    Files.writeString(Path.of("/proc", Long.toString(pid), "clear_refs"), "5");
  }

  private static double seconds(Path process, int... fields) throws IOException {
    String stat = Files.readString(process.resolve("stat"));
    // The name in parentheses may hold anything; behind it, fields are separated by blanks.
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
