// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code qemu-img bench}: a number of sequential reads or writes. */
record QemuImgBench(int bytes, int queueDepth, int count, boolean write) implements Generator {
  private static final Pattern SECONDS = Pattern.compile("Run completed in ([\\d.]+) seconds");

  @Override
  public Measurement run(ServerProcess server) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("qemu-img", "bench", "-f", "raw", "-t", "none"));
    if (write) {
      line.add("-w");
    }
    line.addAll(List.of("-c", Integer.toString(count), "-d", Integer.toString(queueDepth)));
    line.addAll(List.of("-s", Integer.toString(bytes), server.url(0)));
    Usage before = server.usageAtBegin();
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    Matcher seconds = SECONDS.matcher(output);
    if (process.waitFor() != 0 || !seconds.find()) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
    Usage after = server.usage();
    double rate = count / Double.parseDouble(seconds.group(1));
    return Measurement.of(rate, bytes, count, before, after, null, 1);
  }
}
