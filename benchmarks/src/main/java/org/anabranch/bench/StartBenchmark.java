// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;

/** The cost of an idle server: time to start, memory, and memory per session. */
final class StartBenchmark {
  private static final int STARTS = 11;
  private static final int SESSIONS = 1000;

  private final Workplace workplace;
  private final Report report;

  StartBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
  }

  void run() throws IOException, InterruptedException {
    report.section("Start to the ready line, ms", "", "least", "median", "most");
    starts("with the AOT cache", "");
    starts("without", "-XX:AOTMode=off");
    sessions();
  }

  private void starts(String name, String options) throws IOException, InterruptedException {
    List<Double> millis = new ArrayList<>();
    for (int i = 0; i < STARTS; i++) {
      millis.add(start(workplace.folder("start"), options));
    }
    Collections.sort(millis);
    report.row(
        name,
        Report.number("%.0f", millis.getFirst()),
        Report.number("%.0f", millis.get(STARTS / 2)),
        Report.number("%.0f", millis.getLast()));
  }

  private double start(Path folder, String options) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                workplace.launcher().toString(),
                "serve",
                "--data",
                folder.toString(),
                "--portal",
                "127.0.0.1:0")
            .redirectError(new File("/dev/null"));
    builder.environment().put("ANABRANCH_JAVA_OPTS", options);
    long begin = System.nanoTime();
    Process process = builder.start();
    try (BufferedReader lines = process.inputReader()) {
      String line = lines.readLine();
      if (line == null) {
        throw new IOException("no ready line");
      }
      return (System.nanoTime() - begin) / 1e6;
    } finally {
      process.destroy();
      process.waitFor();
    }
  }

  private void sessions() throws IOException, InterruptedException {
    report.section("Memory at rest", "", "resident MiB");
    List<Path> files = workplace.files("idle", 1, 1 << 20, 0);
    try (Anabranch server = Anabranch.start(workplace.launcher(), workplace.folder("idle"), files);
        Initiator initiator = new Initiator()) {
      TimeUnit.SECONDS.sleep(2);
      long idle = server.usage().residentBytes();
      report.row("no session", Report.number("%.0f", idle / 1048576.0));
      List<Session> sessions = new ArrayList<>();
      for (int i = 0; i < SESSIONS; i++) {
        SessionOptions options =
            SessionOptions.normal(server.target()).as(SessionOptions.DEFAULT_INITIATOR + "." + i);
        sessions.add(Initiator.await(initiator.login(server.portal(), options), 60));
      }
      TimeUnit.SECONDS.sleep(2);
      long full = server.usage().residentBytes();
      report.row(SESSIONS + " sessions", Report.number("%.0f", full / 1048576.0));
      report.row("for each, KiB", Report.number("%.1f", (full - idle) / 1024.0 / SESSIONS));
      for (Session session : sessions) {
        Initiator.await(session.logout(), 60);
      }
    }
  }
}
