// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.rbd.RbdDevice;
import org.anabranch.block.rbd.RbdImage;
import org.anabranch.block.rbd.RbdOptions;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * A volume on Ceph beside Ceph's own {@code rbd bench}, and beside a file: 4 KiB at random, 32 in
 * flight. The cluster is one node on this machine that keeps its objects in memory, so that what is
 * compared is processor time; nobody caches.
 *
 * <pre>
 *   rbd bench    Ceph's client without anything else
 *   device       an image as a block device, in this process, without iSCSI
 *   image        a volume on an image, over iSCSI
 *   file         a volume on a file, over iSCSI
 * </pre>
 *
 * Each of the first three has an image of its own, of equal size and full, since an image has one
 * writer at a time.
 */
final class RbdBenchmark {
  private static final int BYTES = 4096;
  private static final int QUEUE_DEPTH = 32;
  private static final int IMAGE = 0;
  private static final int FILE = 1;
  private static final long CLOSE_SECONDS = 60;

  /** What a run of {@code rbd bench} has for each second that the others have. */
  private static final int BENCH_RATE = 8_000;

  /** Fewer requests can be over within no time by rbd bench's clock: an infinite rate. */
  private static final long BENCH_LEAST = 1024;

  /**
   * After so many requests, half of them writes, a JVM has compiled what they need. Before that,
   * its compiler takes as much processor time as everything else.
   */
  private static final int WARM_REQUESTS = 200_000;

  /** A machine so busy that this does not suffice is measured as it is. */
  private static final int MOST_WARM_UP_RUNS = 40;

  private final Workplace workplace;
  private final Report report;
  private final long bytes;
  private final List<Cost> costs = new ArrayList<>();

  /** The median run of a side, and that of rbd bench under the same load. */
  private record Cost(String load, String side, Measurement run, Measurement bench) {}

  RbdBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
    this.bytes = workplace.size(256L << 20);
  }

  void run() throws IOException, InterruptedException {
    List<Path> files = workplace.files("rbd", 1, bytes, 0);
    try (CephNode ceph = CephNode.start(workplace.root());
        ThreadScheduler scheduler = new ThreadScheduler("rbd benchmark")) {
      for (String image : List.of("bench", "device", "image")) {
        ceph.rbd("create", "--size", (bytes >> 20) + "M", "rbd/" + image);
        fill(ceph, image);
      }
      RbdDevice device =
          RbdDevice.open(
              "device",
              new RbdImage(ceph.conf().toString(), "admin", "rbd", "", "device"),
              RbdOptions.DEFAULT,
              scheduler);
      try (Anabranch server = serve(ceph, files.getFirst())) {
        server.storedBy(ceph.osd());
        compare(ceph, device, server);
      } finally {
        close(device);
      }
    }
  }

  private Anabranch serve(CephNode ceph, Path file) throws IOException, InterruptedException {
    String parts =
        """
          ceph { conf = "%s", user = "admin" }
          volumes { image { rbd = "rbd/image" }, file { path = "%s" } }
        """
            .formatted(ceph.conf(), file);
    return Anabranch.start(
        "image", workplace.launcher(), workplace.folder("rbd"), parts, List.of("image", "file"));
  }

  private void fill(CephNode ceph, String image) throws IOException, InterruptedException {
    int piece = 1 << 20;
    new RbdBench(ceph, "rbd/" + image, true, piece, 8, bytes / piece).runSequentially();
  }

  private static void close(RbdDevice device) throws IOException, InterruptedException {
    try {
      device.close().toCompletableFuture().get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("the image does not close", e);
    }
  }

  private LoadGenerator.Load load(int readPercent) {
    return new LoadGenerator.Load(
        BYTES, QUEUE_DEPTH, readPercent, true, bytes, workplace.warmup(), workplace.measured(), 1);
  }

  private IscsiPerf iscsiPerf(int lun) {
    return new IscsiPerf(BYTES, QUEUE_DEPTH, Math.max(1, workplace.seconds()), lun);
  }

  private void warmUp(InterleavedRounds.Side side) throws IOException, InterruptedException {
    double left = workplace.count(WARM_REQUESTS);
    for (int i = 0; i < MOST_WARM_UP_RUNS && left > 0; i++) {
      left -= side.run().rate() * workplace.measured().toMillis() / 1e3;
    }
  }

  private void compare(CephNode ceph, RbdDevice device, Anabranch server)
      throws IOException, InterruptedException {
    warmUp(new DeviceLoad(device, load(50), ceph.osd()));
    for (int lun : List.of(FILE, IMAGE)) {
      OwnGenerator mixed = new OwnGenerator(new SessionLoad(1, 1, false, load(50)), lun);
      warmUp(() -> mixed.run(server));
    }
    report.section("Beside rbd bench, load average " + loadAverage(), Report.columns());
    for (int readPercent : List.of(0, 100)) {
      LoadGenerator.Load load = load(readPercent);
      SessionLoad session = new SessionLoad(1, 1, false, load);
      Map<String, InterleavedRounds.Side> sides = new LinkedHashMap<>();
      sides.put("image", () -> new OwnGenerator(session, IMAGE).run(server));
      sides.put("device", new DeviceLoad(device, load, ceph.osd()));
      sides.put(
          "rbd bench",
          new RbdBench(
              ceph,
              "rbd/bench",
              readPercent == 0,
              BYTES,
              QUEUE_DEPTH,
              Math.max(
                  BENCH_LEAST, workplace.count(BENCH_RATE * Math.max(1, workplace.seconds())))));
      sides.put("file", () -> new OwnGenerator(session, FILE).run(server));
      String name = "4 KiB random %s, QD 32".formatted(readPercent == 0 ? "writes" : "reads");
      compare(name, sides);
      if (readPercent == 100) {
        sides.remove("device");
        sides.put("image", () -> iscsiPerf(IMAGE).run(server));
        sides.put("file", () -> iscsiPerf(FILE).run(server));
        compare(name + ", iscsi-perf", sides);
      }
    }
    report.note("The load average is " + loadAverage() + " at the end.");
    reportCosts();
  }

  /** What the rates would be if nothing else used the machine, and this used all of it. */
  private void reportCosts() {
    report.section(
        "Processor time of a request, us",
        "load",
        "",
        "OSD",
        "server, device or rbd bench",
        "generator",
        "all",
        "rbd bench by this one");
    costs.forEach(cost ->
        report.row(
            cost.load,
            cost.side,
            Report.number("%.0f", cost.run.storageCpu()),
            Report.number("%.0f", cost.run.cpu()),
            Report.number("%.0f", cost.run.generatorCpu()),
            Report.number("%.0f", cost.run.allCpu()),
            Report.number("%.2f", cost.bench.allCpu() / cost.run.allCpu())));
  }

  private void compare(String name, Map<String, InterleavedRounds.Side> sides)
      throws InterruptedException {
    InterleavedRounds turns =
        InterleavedRounds.run(workplace.rounds(), new ArrayList<>(sides.values()));
    List<String> names = List.copyOf(sides.keySet());
    report.compared(name, names, turns, List.of("rbd bench", "file"));
    int bench = names.indexOf("rbd bench");
    for (int side = 0; side <= bench; side++) { // a file needs no OSD
      if (turns.failure(side) == null && turns.failure(bench) == null) {
        costs.add(new Cost(name, names.get(side), turns.median(side), turns.median(bench)));
      }
    }
  }

  private static String loadAverage() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ", -1)[0];
  }
}
