// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ceph's {@code rbd bench} at random places of an image, without a cache: as many requests as are
 * asked for. It is server and generator at once, so all its processor time counts as the server's.
 * It reports no latencies.
 */
record RbdBench(CephNode ceph, String image, boolean write, int bytes, int queueDepth, long count)
    implements InterleavedRounds.Side {
  private static final Pattern RATE = Pattern.compile("elapsed: .*ops/sec: ([\\d.]+)");

  @Override
  public Measurement run() throws IOException, InterruptedException {
    return run("rand");
  }

  /** The same from the beginning to the end, which fills an image. */
  Measurement runSequentially() throws IOException, InterruptedException {
    return run("seq");
  }

  private Measurement run(String pattern) throws IOException, InterruptedException {
    List<String> line =
        List.of(
            "rbd",
            "-c",
            ceph.conf().toString(),
            "bench",
            "--rbd-cache=false",
            "--io-type",
            write ? "write" : "read",
            "--io-size",
            Integer.toString(bytes),
            "--io-threads",
            Integer.toString(queueDepth),
            "--io-total",
            Long.toString(count * bytes),
            "--io-pattern",
            pattern,
            image);
    double before = Usage.childrenSeconds();
    double storedBefore = Usage.seconds(ceph.osd());
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    Matcher rate = RATE.matcher(output);
    if (process.waitFor() != 0 || !rate.find()) {
      throw new IOException(String.join(" ", line) + ": " + output.strip());
    }
    double cpu = Usage.childrenSeconds() - before;
    double stored = Usage.seconds(ceph.osd()) - storedBefore;
    return new Measurement(
        Double.parseDouble(rate.group(1)),
        bytes,
        cpu * 1e6 / count,
        0,
        stored * 1e6 / count,
        0,
        null,
        1);
  }
}
