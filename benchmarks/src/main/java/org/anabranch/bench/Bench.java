// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.workload.LatencyHistogram;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * Measures a target from the command line.
 *
 * <pre>
 *   Bench iscsi://HOST[:PORT]/TARGET/LUN [--size 4k] [--qd 32] [--read 100] [--sequential]
 *         [--seconds 10] [--warmup 2] [--sessions 1] [--luns 1] [--range 1g] [--digests]
 *         [--loops 1] [--seed 1]
 * </pre>
 *
 * The {@code --sessions} run in parallel, each with the full queue depth; session n uses LUN + n
 * modulo {@code --luns}. Writes destroy the content of the LUNs. Exit status: 0 done, 1 failed, 2
 * usage error.
 */
public final class Bench {
  private final String host;
  private final int port;
  private final String target;
  private final int lun;
  private int sessions = 1;
  private int luns = 1;
  private int loops = 1;
  private boolean digests;
  private boolean sequential;
  private int size = 4096;
  private int queueDepth = 32;
  private int read = 100;
  private double seconds = 10;
  private double warmup = 2;
  private long range = Long.MAX_VALUE;
  private long seed = 1;

  private Bench(String url) {
    URI uri = URI.create(url);
    String[] path = uri.getPath() == null ? new String[0] : uri.getPath().split("/", -1);
    if (!"iscsi".equals(uri.getScheme()) || uri.getHost() == null || path.length != 3) {
      throw new IllegalArgumentException("not iscsi://HOST[:PORT]/TARGET/LUN: " + url);
    }
    host = uri.getHost();
    port = uri.getPort() < 0 ? 3260 : uri.getPort();
    target = path[1];
    lun = Integer.parseInt(path[2]);
  }

  /** Runs the program; see the class. */
  public static void main(String[] args) throws InterruptedException {
    Bench bench;
    try {
      bench = parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(2);
      return;
    }
    try {
      bench.run(System.out);
    } catch (IOException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(1);
    }
  }

  /** Parses the arguments. */
  public static Bench parse(String... args) {
    if (args.length == 0) {
      throw new IllegalArgumentException("iscsi://HOST[:PORT]/TARGET/LUN is missing");
    }
    Bench bench = new Bench(args[0]);
    for (int i = 1; i < args.length; i++) {
      switch (args[i]) {
        case "--digests" -> bench.digests = true;
        case "--sequential" -> bench.sequential = true;
        default -> {
          if (i + 1 == args.length) {
            throw new IllegalArgumentException(args[i] + " is unknown or lacks its value");
          }
          bench.set(args[i], args[++i]);
        }
      }
    }
    return bench;
  }

  private void set(String option, String value) {
    switch (option) {
      case "--size" -> size = Math.toIntExact(bytes(value));
      case "--qd" -> queueDepth = Integer.parseInt(value);
      case "--read" -> read = Integer.parseInt(value);
      case "--seconds" -> seconds = Double.parseDouble(value);
      case "--warmup" -> warmup = Double.parseDouble(value);
      case "--sessions" -> sessions = Integer.parseInt(value);
      case "--luns" -> luns = Integer.parseInt(value);
      case "--loops" -> loops = Integer.parseInt(value);
      case "--range" -> range = bytes(value);
      case "--seed" -> seed = Long.parseLong(value);
      default -> throw new IllegalArgumentException(option + " is unknown");
    }
  }

  /** A number of bytes, with k, m or g for powers of 1024. */
  private static long bytes(String value) {
    int shift =
        switch (value.toLowerCase(Locale.ROOT).charAt(value.length() - 1)) {
          case 'k' -> 10;
          case 'm' -> 20;
          case 'g' -> 30;
          default -> 0;
        };
    return Long.parseLong(value.substring(0, value.length() - (shift == 0 ? 0 : 1))) << shift;
  }

  /** Runs the load and prints one line for each session, if there are several, and one in total. */
  public void run(PrintStream out) throws IOException, InterruptedException {
    InetSocketAddress portal = new InetSocketAddress(host, port);
    LoadGenerator.Load load =
        new LoadGenerator.Load(
            size,
            queueDepth,
            read,
            !sequential,
            range,
            Duration.ofNanos((long) (warmup * 1e9)),
            Duration.ofNanos((long) (seconds * 1e9)),
            seed);
    SessionLoad all = new SessionLoad(sessions, luns, digests, load);
    try (Initiator initiator = new Initiator(loops)) {
      List<Disk> disks = all.logIn(initiator, portal, target, lun);
      SessionLoad.Outcome outcome = all.end(disks, all.begin(disks));
      if (sessions > 1) {
        for (int i = 0; i < sessions; i++) {
          print(out, "session " + i + ": ", outcome.sessions().get(i));
        }
      }
      print(out, "", outcome.all());
    }
  }

  private void print(PrintStream out, String who, LoadGenerator.Result result) {
    LatencyHistogram latency = result.latency();
    out.printf(
        Locale.ROOT,
        "%s%d B %s qd %d read %d%%: %.0f IOPS, %.1f MB/s,"
            + " latency us mean %.1f p50 %.1f p99 %.1f p99.9 %.1f max %.1f%n",
        who,
        size,
        sequential ? "sequential" : "random",
        queueDepth,
        read,
        result.operationsPerSecond(),
        result.megabytesPerSecond(),
        latency.mean() / 1e3,
        latency.percentile(50) / 1e3,
        latency.percentile(99) / 1e3,
        latency.percentile(99.9) / 1e3,
        latency.max() / 1e3);
  }
}
