// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** libiscsi's iscsi-perf: random reads in one session. */
record IscsiPerf(int bytes, int queueDepth, int seconds, int lun) implements Generator {
  private static final Pattern AVERAGE = Pattern.compile("iops average (\\d+)");
  private static final int BLOCK = 512;

  @Override
  public Measurement run(ServerProcess server) throws IOException, InterruptedException {
    List<String> line =
        List.of(
            "iscsi-perf",
            "-m",
            Integer.toString(queueDepth),
            "-b",
            Integer.toString(bytes / BLOCK),
            "-t",
            Integer.toString(seconds),
            "-r",
            server.url(lun));
    Usage before = server.usageAtBegin();
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    int status = process.waitFor();
    Usage after = server.usage();
    double rate = 0;
    for (Matcher found = AVERAGE.matcher(output); found.find(); ) {
      rate = Double.parseDouble(found.group(1)); // it prints the average repeatedly
    }
    if (status != 0 || rate == 0) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
    return Measurement.of(rate, bytes, rate * seconds, before, after, null, 1);
  }
}
