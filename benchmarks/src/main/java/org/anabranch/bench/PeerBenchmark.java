// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * Compares our server with others: the same loads in turn, on equal files. Another server that
 * cannot be started is named and skipped.
 */
final class PeerBenchmark {
  private static final long GIB = 1L << 30;
  private static final int LUNS = 8;

  private final Workplace workplace;
  private final Report report;

  /** The ratio of our rate to tgt's, by load, for the plot. */
  private final Map<String, Double> ratios = new LinkedHashMap<>();

  PeerBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
  }

  private record Row(String name, Generator generator, boolean jscsi) {}

  private SessionLoad load(int sessions, int bytes, int queueDepth, int readPercent) {
    return new SessionLoad(
        sessions,
        sessions,
        false,
        new LoadGenerator.Load(
            bytes,
            queueDepth,
            readPercent,
            true,
            sessions == 1 ? GIB : GIB / LUNS,
            Duration.ofSeconds(workplace.seconds() / 4 + 1),
            Duration.ofSeconds(workplace.seconds()),
            1));
  }

  private Row own(String name, int bytes, int queueDepth, int readPercent) {
    return new Row(name, new OwnGenerator(load(1, bytes, queueDepth, readPercent), 0), true);
  }

  private List<Row> rows() {
    int seconds = workplace.seconds();
    return List.of(
        new Row(
            "4 KiB random reads, QD 32, iscsi-perf", new IscsiPerf(4096, 32, seconds, 0), false),
        new Row("4 KiB random reads, QD 1, iscsi-perf", new IscsiPerf(4096, 1, seconds, 0), false),
        own("4 KiB random reads, QD 32", 4096, 32, 100),
        own("4 KiB random reads, QD 1", 4096, 1, 100),
        own("4 KiB random writes, QD 32", 4096, 32, 0),
        new Row(
            "4 KiB writes, QD 32, qemu-img bench",
            new QemuImgBench(4096, 32, 20_000 * seconds, true),
            false),
        own("256 KiB reads, QD 8", 256 << 10, 8, 100),
        own("256 KiB writes, QD 8", 256 << 10, 8, 0),
        own("1 MiB writes, QD 8", 1 << 20, 8, 0),
        new Row(
            "8 sessions on 8 LUNs, 4 KiB, 70 % reads, QD 8 each",
            new OwnGenerator(load(LUNS, 4096, 8, 70), 0), false));
  }

  /** Runs everything; a row that fails does not stop the others. */
  Map<String, Double> run() throws IOException, InterruptedException {
    List<ServerProcess> servers = new ArrayList<>();
    try {
      servers.add(
          Anabranch.start(
              workplace.launcher(),
              workplace.folder("anabranch"),
              workplace.files("anabranch", LUNS, GIB, GIB / LUNS)));
      addPeer(
          servers,
          "tgt",
          () -> Tgt.start(workplace.folder("tgt"), workplace.files("tgt", LUNS, GIB, GIB / LUNS)));
      addPeer(
          servers,
          "jscsi",
          () ->
              StockJscsi.start(
                  workplace.root(),
                  workplace.folder("jscsi"),
                  workplace.files("jscsi", 1, GIB, 0).getFirst()));
      compare(servers);
      digests(servers.getFirst());
    } finally {
      for (ServerProcess server : servers) {
        server.close();
      }
    }
    return ratios;
  }

  /** Starts a server. */
  private interface Start {
    ServerProcess start() throws IOException, InterruptedException;
  }

  private void addPeer(List<ServerProcess> servers, String name, Start peer)
      throws InterruptedException {
    try {
      servers.add(peer.start());
    } catch (IOException e) {
      report.note("Without " + name + ": " + e.getMessage());
    }
  }

  private void compare(List<ServerProcess> servers) throws InterruptedException {
    report.section("Beside other servers", Report.columns());
    for (Row row : rows()) {
      List<ServerProcess> those =
          servers.stream().filter(server -> row.jscsi || !(server instanceof StockJscsi)).toList();
      List<String> names = those.stream().map(ServerProcess::name).toList();
      List<InterleavedRounds.Side> sides = new ArrayList<>();
      those.forEach(server -> sides.add(() -> row.generator.run(server)));
      InterleavedRounds turns = InterleavedRounds.run(workplace.rounds(), sides);
      report.compared(row.name, names, turns, names.subList(1, names.size()));
      if (names.contains("tgt")) {
        ratios.put(row.name, turns.ratio(0, names.indexOf("tgt")));
      }
    }
  }

  private void digests(ServerProcess server) throws InterruptedException {
    report.section("Our server with header and data digests, and without", Report.columns());
    for (Row row : rows()) {
      if (row.generator instanceof OwnGenerator own && own.load().sessions() == 1) {
        SessionLoad plain = own.load();
        Generator digested = new OwnGenerator(new SessionLoad(1, 1, true, plain.load()), 0);
        InterleavedRounds turns =
            InterleavedRounds.run(
                workplace.rounds(), List.of(() -> digested.run(server), () -> own.run(server)));
        report.compared(row.name, List.of("digests", "none"), turns, List.of("none"));
      }
    }
  }
}
